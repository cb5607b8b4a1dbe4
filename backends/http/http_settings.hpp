#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::http {

struct HttpSettings {
  std::chrono::milliseconds connect_timeout{10'000};  // name, connection and TLS of one attempt
  std::chrono::milliseconds stall_timeout{30'000};    // [basecache] stall_timeout
  std::uint64_t slowest = 1024;                       // bytes a second over stall_timeout; less is a stall
  Bytes max_body = gibibytes(1024);                   // [basecache] max_image_bytes
  std::vector<std::string> listed_hosts;              // [basecache] url_hosts: names or addresses, without ports
  RetryParameters retry;
};

}  // namespace basecache::http
