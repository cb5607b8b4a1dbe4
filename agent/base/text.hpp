#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace basecache {

// Lower-case hexadecimal digits only, exactly `length` of them.
bool is_hex(std::string_view text, std::size_t length);
// Canonical 8-4-4-4-12 hexadecimal UUID in lower case.
bool is_uuid(std::string_view text);

// ASCII letters only: what is compared are words of protocols and formats.
std::string lower_case(std::string_view text);

// Whole text as an unsigned decimal number; nothing for anything else, overflow included.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);

// Quotes a name for a message: control bytes and non-printable bytes become \xNN, at most `limit`
// bytes are shown. A caller's text never reaches a terminal or a log line raw.
// Not called "quoted": for a std::string argument lookup would find std::quoted.
std::string quote(std::string_view text, std::size_t limit = 200);

// The same for names that are plain words nearly always (uuids, fields): those stand without quotation marks.
std::string quote_unless_plain(std::string_view text, std::size_t limit = 200);

// A URL as it may be shown: user:password@ and the query's values are replaced by "***".
std::string redact_url(std::string_view url);

// The candidate nearest to `word` (edit distance), when one is near enough to be a slip of the pen.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace basecache
