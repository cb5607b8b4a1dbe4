#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "backends/http/fault.hpp"
#include "backends/http/response_head.hpp"

namespace basecache::http {

// Where the body of an answer goes. A fault ends the exchange: the answer isn't one to what was asked. What it throws
// ends the exchange too and passes through.
class BodyTaker {
 public:
  virtual ~BodyTaker() = default;

  // Whether the body of an answer with this status is looked at; any other one is dropped.
  virtual bool wants(int status) const = 0;
  // Before the body of a wanted answer, be it empty.
  virtual std::optional<Fault> begin(const ResponseHead& head) = 0;
  virtual std::optional<Fault> body(std::span<const std::byte> bytes) = 0;
  // Behind a body that ended as HTTP wants it to.
  virtual std::optional<Fault> end() { return std::nullopt; }
};

}  // namespace basecache::http
