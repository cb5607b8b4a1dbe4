#include <algorithm>
#include <array>

#include "agent/base/text.hpp"
#include "backends/inspect/unsupported_format.hpp"

namespace basecache::inspect {
namespace {

// Openings of HTML and XML, in lower case.
constexpr std::array<std::string_view, 7> kOpenings{"<!doctype", "<html",  "<?xml", "<head",
                                                    "<body",     "<title", "<error"};

}  // namespace

// UTF-8's byte order mark and blanks may stand in front.
bool is_web_page(const ImageSample& sample) {
  const ByteReader head(sample.head(), ByteOrder::big, "the file");
  std::string_view text = head.text(0, std::min<std::uint64_t>(head.size(), 1024));
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const std::string start = lower_case(text.substr(0, 16));
  return std::ranges::any_of(kOpenings, [&](std::string_view opening) { return start.starts_with(opening); });
}

}  // namespace basecache::inspect
