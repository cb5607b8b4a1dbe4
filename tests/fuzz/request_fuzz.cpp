// Whatever a peer of the socket sends as a body: understood, or refused with an error of ours that says which field.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/api/messages.hpp"
#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"

namespace {

using namespace basecache;

template <class Read>
void take(Read&& read) {
  try {
    (void)read();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_request || error.message().empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  nlohmann::json request;
  take([&] { return request = api::parse_body(body); });
  take([&] { return model::InstanceSpec::make(request); });
  take([&] { return api::precache_request(request); });
  take([&] { return api::pin_reason(request); });
  take([&] { return api::prune_is_dry(request); });
  return 0;
}
