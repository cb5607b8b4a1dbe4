#include "agent/config_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/config_values.hpp"

namespace basecache {
namespace {

std::string_view unquote(std::string_view value) {
  const bool quoted = value.size() > 1 && value.front() == value.back() && (value[0] == '"' || value[0] == '\'');
  return quoted ? value.substr(1, value.size() - 2) : value;
}

class Parser {
 public:
  explicit Parser(const Path& file) : file_(file) {}

  void take_line(std::string_view raw) {
    ++line_;
    const std::string_view line = trim(raw);
    if (line.empty()) {
      finish_entry();
    } else if (raw.front() == ' ' || raw.front() == '\t') {
      continue_value(line);
    } else {
      finish_entry();
      if (line.front() == '[') {
        open_section(line);
      } else if (line.front() != '#' && line.front() != ';') {
        open_entry(line);
      }
    }
  }

  std::vector<ConfigEntry> finish() {
    finish_entry();
    return std::move(entries_);
  }

 private:
  void open_section(std::string_view line) {
    const std::string_view name = line.ends_with(']') ? trim(line.substr(1, line.size() - 2)) : std::string_view{};
    if (name.empty()) fail("isn't a section", "write [name]");
    section_ = name;
  }

  void open_entry(std::string_view line) {
    const std::size_t mark = line.find_first_of("=:");
    const std::string_view name = trim(line.substr(0, mark));
    if (mark == std::string_view::npos || name.empty()) fail("isn't an option", "write name = value");
    open_ = ConfigEntry{section_, std::string(name), std::string(trim(line.substr(mark + 1))), line_};
  }

  void continue_value(std::string_view line) {
    if (!open_) fail("is indented, but there is no option above it to continue", "remove the blanks before it");
    if (!open_->value.empty()) open_->value += '\n';
    open_->value += line;
  }

  void finish_entry() {
    if (!open_) return;
    open_->value = std::string(unquote(open_->value));
    entries_.push_back(*std::exchange(open_, std::nullopt));
  }

  // The line itself isn't shown: nova.conf holds passwords.
  [[noreturn]] void fail(std::string_view what, std::string_view hint) const {
    Error error(ErrorCode::invalid_request, fmt::format("{}:{}: the line {}", quote(file_.native()), line_, what));
    error.set_hint(std::string(hint));
    throw error;
  }

  const Path& file_;
  unsigned line_ = 0;
  std::string section_ = "DEFAULT";
  std::optional<ConfigEntry> open_;
  std::vector<ConfigEntry> entries_;
};

void require_trustworthy(const Path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || (found.st_mode & S_IWOTH) == 0) return;
  Error error(ErrorCode::invalid_request,
              fmt::format("cannot trust configuration file {}: everybody may write to it", quote(file.native())));
  error.set_hint("chmod o-w " + file.native());
  throw error;
}

}  // namespace

std::vector<ConfigEntry> parse_config_text(std::string_view text, const Path& file) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  Parser parser(file);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    parser.take_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

std::vector<ConfigEntry> read_config_file(const Path& file) {
  require_trustworthy(file);
  const std::optional<std::string> text = read_small_file(file);
  if (!text) {
    throw Error(ErrorCode::invalid_request,
                fmt::format("cannot read configuration file {}: it doesn't exist", quote(file.native())));
  }
  return parse_config_text(*text, file);
}

}  // namespace basecache
