#include "agent/base/machine.hpp"

#include <unistd.h>

#include <array>

#include "agent/base/posix_file.hpp"

namespace basecache {

std::string machine_id() {
  const std::string text = read_small_file("/etc/machine-id").value_or("");
  if (std::string id = text.substr(0, text.find('\n')); !id.empty()) return id;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

}  // namespace basecache
