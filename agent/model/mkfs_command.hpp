#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache::model {

// A command of the operator's that formats an ephemeral disk ([DEFAULT] virt_mkfs): words between blanks and line ends,
// in which
// %(fs_label)s and %(target)s stand for the label and the file, and %% for '%' (nova/privsep/fs.py, configurable_mkfs).
// No shell reads it, and words are split before anything is put into them: what is put in stays one word.
class MkfsCommand {
 public:
  // Nothing for one without %(target)s, or with another '%' than those.
  static std::optional<MkfsCommand> parse(std::string_view text);

  const std::string& text() const { return text_; }  // as it was configured
  bool writes_label() const;
  std::vector<std::string> argv(const std::string& label, const Path& target) const;
  friend bool operator==(const MkfsCommand&, const MkfsCommand&) = default;

 private:
  explicit MkfsCommand(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace basecache::model
