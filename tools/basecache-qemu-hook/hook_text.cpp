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

// Whether a character of UTF-8 goes on there.
bool goes_on(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

std::string on_one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(
      line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, ' ');
  return line;
}

std::string cut(std::string_view text, std::size_t limit) {
  std::string line = on_one_line(text);
  if (line.size() <= limit) return line;
  std::size_t end = limit - kCut.size();
  while (end > 0 && goes_on(line, end)) --end;
  line.resize(end);
  return line + std::string(kCut);
}

// An error says last why it failed, behind what was being done: that stays, and a quarter of the beginning.
std::string cut_middle(std::string_view text, std::size_t limit) {
  const std::string line = on_one_line(text);
  if (line.size() <= limit) return line;
  const std::string begin = cut(line, limit / 4);
  std::size_t end = line.size() - (limit - begin.size());
  while (goes_on(line, end)) ++end;
  return begin + line.substr(end);
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
  return std::string(kBegin) + cut_middle(why, kLongestLine - 1 - kBegin.size() - advice.size()) + advice + "\n";
}

std::string not_ready_line(const std::string& domain, const std::optional<Progress>& progress) {
  const std::string step = progress ? " (" + told(*progress) + ")" : "";
  return failure_line(fmt::format("the disks of {} are still being made{}", quote(domain, kLongestName), step),
                      "start it again in a moment");
}

}  // namespace basecache::hook
