#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"

namespace basecache::test {

// The error that `body` ends in; nothing when it ends well.
template <class Body>
std::optional<Error> error_of(Body&& body) {
  try {
    std::forward<Body>(body)();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

template <class Body>
std::optional<ErrorCode> code_of(Body&& body) {
  const auto error = error_of(std::forward<Body>(body));
  return error ? std::optional(error->code()) : std::nullopt;
}

inline bool says(const std::optional<Error>& error, std::string_view words) {
  return error && error->message().find(words) != std::string_view::npos;
}

}  // namespace basecache::test
