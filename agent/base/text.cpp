#include "agent/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace basecache {
namespace {

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// "a=1&b=2" -> "a=***&b=***".
std::string redact_query(std::string_view query) {
  std::string shown;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = pair.find('=');
    shown += equals == std::string_view::npos ? "***" : std::string(pair.substr(0, equals)) + "=***";
    query.remove_prefix(end);
    if (query.starts_with('&')) {
      shown += '&';
      query.remove_prefix(1);
    }
  }
  return shown;
}

}  // namespace

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length && std::ranges::all_of(text, is_hex_digit);
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quote(std::string_view text, std::size_t limit) {
  std::string shown = "'";
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += c;
    }
  }
  if (text.size() > limit) shown += "...";
  return shown + "'";
}

std::string quote_unless_plain(std::string_view text, std::size_t limit) {
  const bool plain = !text.empty() && text.size() <= limit && std::ranges::all_of(text, is_plain);
  return plain ? std::string(text) : quote(text, limit);
}

std::string redact_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
  std::string shown(url.substr(0, authority));
  std::string_view rest = url.substr(authority);
  // Keys of object stores may have any byte in them ("s3://key:se/c?r#et@host"): there all before the last '@' goes.
  const bool is_web = authority == 0 || shown == "http://" || shown == "https://" || shown == "file://";
  const std::size_t end = is_web ? std::min(rest.find_first_of("/?#"), rest.size()) : rest.size();
  if (const std::size_t at = rest.substr(0, end).rfind('@'); at != std::string_view::npos) {
    shown += "***@";
    rest.remove_prefix(at + 1);
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t mark = std::min(rest.find('?'), rest.size());
  shown += rest.substr(0, mark);
  const std::string_view query = rest.substr(std::min(mark + 1, rest.size()));
  return query.empty() ? shown : shown + "?" + redact_query(query);
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string> best;
  std::size_t best_distance = allowed + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace basecache
