#include "agent/model/mkfs_command.hpp"

#include <algorithm>
#include <array>
#include <sstream>

namespace basecache::model {
namespace {

constexpr std::string_view kLabel = "%(fs_label)s";
constexpr std::string_view kTarget = "%(target)s";
constexpr std::string_view kPercent = "%%";
constexpr std::string_view kFound("\0", 1);  // no command has it

// Replaces each mark; nothing when there is a '%' that begins none of them.
std::optional<std::string> filled_in(std::string_view word, std::string_view label, std::string_view target) {
  const std::array<std::pair<std::string_view, std::string_view>, 3> marks{
      {{kLabel, label}, {kTarget, target}, {kPercent, "%"}}};
  std::string filled;
  while (!word.empty()) {
    const std::size_t plain = std::min(word.find('%'), word.size());
    filled += word.substr(0, plain);
    word.remove_prefix(plain);
    if (word.empty()) break;
    const auto* const mark = std::ranges::find_if(marks, [&](const auto& one) { return word.starts_with(one.first); });
    if (mark == marks.end()) return std::nullopt;
    filled += mark->second;
    word.remove_prefix(mark->first.size());
  }
  return filled;
}

// Of the words that are left when "%%" means nothing more.
bool has_mark(std::string_view text, std::string_view mark) {
  return filled_in(text, mark == kLabel ? kFound : "", mark == kTarget ? kFound : "").value_or("").find(kFound) !=
         std::string::npos;
}

}  // namespace

std::optional<MkfsCommand> MkfsCommand::parse(std::string_view text) {
  if (text.find(kFound) != std::string_view::npos || !has_mark(text, kTarget)) return std::nullopt;
  return MkfsCommand(std::string(text));
}

bool MkfsCommand::writes_label() const { return has_mark(text_, kLabel); }

std::vector<std::string> MkfsCommand::argv(const std::string& label, const Path& target) const {
  std::vector<std::string> argv;
  std::istringstream words(text_);
  for (std::string word; words >> word;) argv.push_back(filled_in(word, label, target.native()).value());
  return argv;
}

}  // namespace basecache::model
