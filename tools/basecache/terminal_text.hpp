#pragma once

#include <string>
#include <string_view>

namespace basecache::cli {

// Others' words (names of images, reasons of pins) as a terminal may get them: control characters (C0, DEL, C1), those
// that turn the direction of text round, and bytes that aren't UTF-8 become '?'. Line ends stay.
std::string harmless(std::string_view text);

// The same without line ends: one row of a table, one line of a list.
std::string one_line(std::string_view text);

}  // namespace basecache::cli
