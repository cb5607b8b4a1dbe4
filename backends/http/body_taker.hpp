#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "backends/http/fault.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// Where the body of an answer goes. What it throws ends the exchange and passes through.
class BodyTaker {
 public:
  virtual ~BodyTaker() = default;

  // Whether the body of an answer with this status is looked at; any other one is dropped.
  virtual bool wants(int status) const = 0;
  // Before the body of a wanted answer, be it empty. A fault: the answer isn't one to what was asked.
  virtual std::optional<Fault> begin(const ResponseHead& head) = 0;
  virtual void body(std::span<const std::byte> bytes) = 0;
};

}  // namespace basecache::http
