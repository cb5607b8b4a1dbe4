#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/cache/image_source.hpp"

namespace basecache::test {

// Keeps what a source sends.
class ReceivedImage : public cache::ImageSink {
 public:
  std::optional<cache::HeldBytes> held() override { return std::nullopt; }
  void start(const cache::Transfer& transfer) override {
    ++starts;
    announced = transfer.size;
    bytes.clear();
  }
  void write(std::span<const std::byte> block) override {
    bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
    if (on_write) on_write();
  }

  void verify() override {
    if (expected && bytes != *expected) throw Error(ErrorCode::checksum_mismatch, "not the promised bytes");
  }

  std::optional<std::string> expected;
  int starts = 0;
  std::optional<Bytes> announced;
  std::string bytes;
  std::function<void()> on_write;
};

// The error that `body` ends in; nothing when it ends well.
template <class Body>
std::optional<Error> error_of(Body&& body) {
  try {
    body();
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
  return error && error->message().find(words) != std::string::npos;
}

}  // namespace basecache::test
