#pragma once

#include <optional>
#include <span>
#include <string>

#include "backends/http/body_taker.hpp"

namespace basecache::http {

// Keeps the small body of any answer.
class TextIntake : public BodyTaker {
 public:
  static constexpr std::size_t kLongest = 16 * 1024 * 1024;

  bool wants(int) const override { return true; }
  std::optional<Fault> begin(const ResponseHead& head) override;
  std::optional<Fault> body(std::span<const std::byte> bytes) override;  // Error(source_unavailable) beyond kLongest

  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace basecache::http
