#include "backends/inspect/vmdk_descriptor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/text.hpp"
#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kOpening = "# disk descriptorfile";
constexpr const char* kOneFile =
    "make one self-contained file of it with \"qemu-img convert -O vmdk -o subformat=streamOptimized\" and upload that";

// Keys that may stand once each, in this spelling; others may make some reader open another file.
constexpr std::array<std::string_view, 6> kKeys{"version",   "encoding",         "CID",
                                                "parentCID", "isNativeSnapshot", "createType"};

[[noreturn]] void refuse_broken(std::string what) {
  refuse(Check::descriptor, "its VMDK descriptor is unacceptable: " + std::move(what), kOneFile);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The next line of `rest`, which loses it.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

// The next word of `rest`, which loses it; a word in quotation marks may hold blanks and keeps the marks.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const bool quoted_word = rest.starts_with('"');
  const std::size_t stop = quoted_word ? rest.find('"', 1) : rest.find_first_of(kBlank);
  const std::size_t end = stop == std::string_view::npos ? rest.size() : stop + (quoted_word ? 1 : 0);
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::string_view without_marks(std::string_view word) {
  if (word.size() < 2 || !word.starts_with('"') || !word.ends_with('"')) return word;
  return word.substr(1, word.size() - 2);
}

bool is_extent(std::string_view line) {
  const std::string word = lower_case(take_word(line));
  return word == "rw" || word == "rdonly" || word == "noaccess";
}

void check_extent(std::string_view line, std::uint64_t capacity) {
  std::string_view rest = line;
  const std::string_view access = take_word(rest);
  const std::string_view sectors = take_word(rest);
  const std::string_view type = take_word(rest);
  const std::string_view name = without_marks(take_word(rest));
  if ((access != "RW" && access != "RDONLY") || type != "SPARSE") {
    refuse_broken(fmt::format("the extent {} isn't one sparse file", quote(line)));
  }
  if (name.empty() || name.find_first_of("/\\:") != std::string_view::npos) {
    refuse_broken(fmt::format("its extent names a path, {}", quote(name)));
  }
  if (parse_unsigned(sectors) != capacity || !trimmed(rest).empty()) {
    refuse_broken(fmt::format("the extent {} isn't the whole disk of {} sectors", quote(line), capacity));
  }
}

void check_value(std::string_view key, std::string_view value) {
  if (key == "parentCID" && lower_case(value) != "ffffffff") {
    refuse_broken(fmt::format("it has a parent image (parentCID {})", quote(value)));
  }
  if (key == "createType" && value != "monolithicSparse" && value != "streamOptimized") {
    refuse_broken(fmt::format("createType {}; monolithicSparse and streamOptimized are taken", quote(value)));
  }
}

// A line "key=value"; returns the key when it is one of kKeys.
std::string_view check_setting(std::string_view line) {
  const std::size_t sign = line.find('=');
  if (sign == std::string_view::npos) refuse_broken(fmt::format("the line {} means nothing", quote(line)));
  const std::string_view key = trimmed(line.substr(0, sign));
  if (key.starts_with("ddb.")) return {};  // the disk's geometry and the like; nobody opens a file for it
  const auto* known = std::ranges::find(kKeys, key);
  if (known == kKeys.end()) refuse_broken(fmt::format("the key {} isn't known", quote(key)));
  check_value(key, without_marks(trimmed(line.substr(sign + 1))));
  return *known;
}

std::size_t occurrences(std::string_view text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

// As QEMU looks: anywhere, comments included.
void check_words(std::string_view text) {
  const std::string all = lower_case(text);
  if (occurrences(all, "parentfilenamehint") != 0) refuse_broken("it names a parent image (parentFileNameHint)");
  for (const std::string_view word : {"createtype", "parentcid"}) {
    if (occurrences(all, word) != 1)
      refuse_broken(fmt::format("{} stands in it {} times", word, occurrences(all, word)));
  }
}

}  // namespace

bool is_vmdk_descriptor(std::string_view text) {
  const std::string start = lower_case(text.substr(0, kOpening.size()));
  if (start.size() > 1 && kOpening.starts_with(start)) return true;  // or cut off inside it
  while (!text.empty()) {
    const std::string_view line = trimmed(take_line(text));
    if (line.empty() || line.starts_with('#')) continue;
    return line == "version=1" || line == "version=2" || line == "version=3";
  }
  return false;
}

void check_vmdk_descriptor(std::string_view text, std::uint64_t capacity) {
  check_words(text);
  std::vector<std::string_view> seen;
  std::size_t extents = 0;
  while (!text.empty()) {
    const std::string_view line = trimmed(take_line(text));
    if (line.empty() || line.starts_with('#')) continue;
    if (is_extent(line)) {
      check_extent(line, capacity);
      ++extents;
      continue;
    }
    const std::string_view key = check_setting(line);
    if (!key.empty() && std::ranges::find(seen, key) != seen.end()) {
      refuse_broken(fmt::format("the key {} is there twice", quote(key)));
    }
    if (!key.empty()) seen.push_back(key);
  }
  if (extents != 1) refuse_broken(fmt::format("it has {} extents, not one", extents));
}

}  // namespace basecache::inspect
