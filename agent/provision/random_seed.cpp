#include "agent/provision/random_seed.hpp"

#include <openssl/rand.h>

#include "agent/base/error.hpp"

namespace basecache::provision {

std::string random_seed() {
  constexpr std::size_t kBytes = 512;
  std::string seed(kBytes, '\0');
  if (::RAND_bytes(reinterpret_cast<unsigned char*>(seed.data()), static_cast<int>(seed.size())) != 1) {
    throw Error(ErrorCode::internal, "cannot draw random bytes for the guest");
  }
  return seed;
}

}  // namespace basecache::provision
