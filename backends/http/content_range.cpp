#include "backends/http/content_range.hpp"

#include "agent/base/text.hpp"

namespace basecache::http {

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return std::nullopt;
  const auto first = parse_unsigned(text.substr(0, dash));
  const auto last = parse_unsigned(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{.first = {*first}, .last = {*last}, .whole = {}};
  if (text.substr(slash + 1) == "*") return range;
  const auto whole = parse_unsigned(text.substr(slash + 1));
  if (!whole || *whole <= *last) return std::nullopt;
  range.whole = Bytes{*whole};
  return range;
}

}  // namespace basecache::http
