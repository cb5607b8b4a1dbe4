#pragma once

#include <string>
#include <utility>

namespace basecache {

// A token, a password, a key. Can't be formatted, logged or compared by accident: whoever sends it on says reveal().
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  bool empty() const { return value_.empty(); }
  const std::string& reveal() const { return value_; }

 private:
  std::string value_;
};

}  // namespace basecache
