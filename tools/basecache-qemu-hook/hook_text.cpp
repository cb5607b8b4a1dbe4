#include "tools/basecache-qemu-hook/hook_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/byte_size.hpp"
#include "agent/base/text.hpp"

namespace basecache::hook {
namespace {

constexpr std::string_view kBegin = "basecache: ";
constexpr std::string_view kBetween = "; ";
constexpr std::string_view kCut = "...";
constexpr std::size_t kLongestHint = 110;
constexpr std::size_t kLongestName = 60;

std::string cut(std::string_view text, std::size_t limit) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  if (line.size() <= limit) return line;
  std::size_t end = limit - kCut.size();
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;  // not within a character of UTF-8
  line.resize(end);
  return line + std::string(kCut);
}

std::string told(const Progress& progress) {
  std::string text = progress.step;
  if (!progress.subject.empty()) text += " " + quote(progress.subject, kLongestName);
  if (progress.total && *progress.total > 0) {
    text += fmt::format(", {} % of {}", std::min(progress.done, *progress.total) * 100 / *progress.total,
                        to_text(Bytes{*progress.total}));
  } else if (progress.done > 0) {
    text += ", " + to_text(Bytes{progress.done});
  }
  return text;
}

}  // namespace

std::string failure_line(std::string_view why, std::string_view hint) {
  const std::string advice = hint.empty() ? "" : std::string(kBetween) + cut(hint, kLongestHint);
  return std::string(kBegin) + cut(why, kLongestLine - 1 - kBegin.size() - advice.size()) + advice + "\n";
}

std::string not_ready_line(const std::string& domain, const std::optional<Progress>& progress) {
  const std::string step = progress ? " (" + told(*progress) + ")" : "";
  return failure_line(fmt::format("the disks of {} are still being made{}", quote(domain, kLongestName), step),
                      "start it again in a moment");
}

}  // namespace basecache::hook
