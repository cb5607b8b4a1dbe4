#include "backends/http/repeated_secrets.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace basecache::http {
namespace {

constexpr std::size_t kShortestToken = 8;
constexpr std::string_view kEscape = "\\u00";

// The ASCII characters that JSON text may also write as "\u0041".
std::string unescaped(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::string_view digits = text.starts_with(kEscape) ? text.substr(kEscape.size(), 2) : std::string_view();
    unsigned code = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    const bool is_escape = digits.size() == 2 && error == std::errc() && end == digits.data() + 2;
    plain += is_escape ? static_cast<char>(code) : text.front();
    text.remove_prefix(is_escape ? kEscape.size() + 2 : 1);
  }
  return plain;
}

bool holds(std::string_view text, std::string_view secret) {
  if (text.find(secret) != std::string_view::npos) return true;
  return text.find(kEscape) != std::string_view::npos && unescaped(text).find(secret) != std::string::npos;
}

}  // namespace

bool repeats_secret(const std::vector<HttpHeader>& headers, std::string_view text) {
  return std::ranges::any_of(headers, [&](const HttpHeader& header) {
    return header.secret && header.value.size() >= kShortestToken && holds(text, header.value);
  });
}

void forget_secrets(ResponseHead& head, const std::vector<HttpHeader>& headers) {
  std::erase_if(head.headers, [&](const auto& header) {
    return repeats_secret(headers, header.second) || repeats_secret(headers, header.first);
  });
  if (repeats_secret(headers, head.location)) head.location.clear();
}

void forget_secrets(Fault& fault, const std::vector<HttpHeader>& headers) {
  if (repeats_secret(headers, fault.reason)) fault.reason = "its answer repeats what was confided to it";
}

}  // namespace basecache::http
