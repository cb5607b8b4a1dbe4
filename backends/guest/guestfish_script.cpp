#include "backends/guest/guestfish_script.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/base64.hpp"

namespace basecache::guest {
namespace {

// guestfish reads lines of less than 8 KiB; escaped, a byte takes four.
constexpr std::size_t kBytesALine = 1024;
constexpr std::size_t kLettersALine = 76;

// A word for guestfish(1), whatever is in it but NUL.
std::string word(std::string_view text) {
  std::string escaped = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain = byte > 0x20 && byte < 0x7f && letter != '"' && letter != '\\';
    escaped += is_plain ? std::string(1, letter) : fmt::format("\\x{:02x}", byte);
  }
  return escaped + "\"";
}

std::string in_lines(std::string_view letters) {
  std::string lines;
  for (; !letters.empty(); letters.remove_prefix(std::min(letters.size(), kLettersALine))) {
    lines += std::string(letters.substr(0, kLettersALine)) + "\n";
  }
  return lines;
}

std::string question(std::string_view mark, std::size_t number, const std::string& command) {
  return fmt::format("echo {}:{}\n-{}\n", mark, number, command);
}

bool has_kind(const injection::Injection& injection, injection::ItemKind kind) {
  return std::ranges::find(injection.items, kind, &injection::Item::kind) != injection.items.end();
}

}  // namespace

GuestQuestions questions_for(const injection::Injection& injection) {
  GuestQuestions questions{.paths = {"/"}, .files = {}};  // that can't be mounted shows before anything is written
  if (has_kind(injection, injection::ItemKind::key)) {
    questions.paths.insert(questions.paths.end(), {"/etc/selinux", "/etc/rc.local", "/etc/rc.d", "/etc/rc.d/rc.local"});
  }
  if (has_kind(injection, injection::ItemKind::admin_password)) questions.files = {"/etc/passwd", "/etc/shadow"};
  for (const injection::Item& item : injection.items) {
    for (const model::InjectedFile& file : item.files) {
      questions.paths.push_back(file.path.substr(0, file.path.rfind('/')));
    }
  }
  std::erase(questions.paths, "");
  return questions;
}

std::string script_of(const GuestQuestions& questions, std::string_view mark) {
  std::string script;
  std::size_t number = 0;
  for (const std::string& path : questions.paths) script += question(mark, number++, "exists " + word(path));
  for (const std::string& path : questions.files) script += question(mark, number++, "cat " + word(path));
  return script + fmt::format("echo {}:{}\n", mark, number);
}

GuestAnswers answers_from(std::string_view output, const GuestQuestions& questions, std::string_view mark) {
  const auto answer = [&](std::size_t number) -> std::string_view {
    const std::string begin = fmt::format("{}:{}\n", mark, number);
    const std::size_t at = output.find(begin);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = output.substr(at + begin.size());
    return rest.substr(0, rest.find(fmt::format("{}:{}\n", mark, number + 1)));
  };
  GuestAnswers answers;
  std::size_t number = 0;
  for (const std::string& path : questions.paths) answers.has[path] = answer(number++).starts_with("true");
  for (const std::string& path : questions.files) {
    if (const std::string_view text = answer(number++); !text.empty()) answers.files[path] = text;
  }
  return answers;
}

GuestfishScript::GuestfishScript(GuestAnswers answers, std::string mark)
    : answers_(std::move(answers)), mark_(std::move(mark)) {}

bool GuestfishScript::has(const std::string& path) { return answers_.has[path]; }

std::string GuestfishScript::read_file(const std::string& path) {
  const auto found = answers_.files.find(path);
  if (found != answers_.files.end()) return found->second;
  throw Error(ErrorCode::image_unacceptable, "the guest has no " + quote(path) + " that can be read");
}

void GuestfishScript::make_directory(const std::string& path, mode_t mode) {
  commands_.push_back("mkdir-p " + word(path));
  commands_.push_back("chown 0 0 " + word(path));
  commands_.push_back(fmt::format("chmod 0{:o} {}", mode, word(path)));
}

// Whatever is in a file, its bytes go by way of a new one, as base64: a word can't hold NUL, and only the copy follows
// links inside the guest.
void GuestfishScript::write_file(const injection::FileChange& change) {
  if (change.appends) {
    for (std::string_view rest = change.bytes; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kBytesALine))) {
      commands_.push_back(fmt::format("write-append {} {}", word(change.path), word(rest.substr(0, kBytesALine))));
    }
  } else {
    const std::string between = word("/." + mark_);
    commands_.push_back(
        fmt::format("base64-in -<<{0} {1}\n{2}{0}", mark_, between, in_lines(model::base64_encode(change.bytes))));
    commands_.push_back(fmt::format("copy-file-to-file {} {}", between, word(change.path)));
    commands_.push_back("rm-f " + between);
  }
  if (change.mode) commands_.push_back(fmt::format("chmod 0{:o} {}", *change.mode, word(change.path)));
}

std::string GuestfishScript::take(bool must_succeed) {
  std::string script;
  for (const std::string& command : commands_) script += (must_succeed ? "" : "-") + command + "\n";
  commands_.clear();
  return script;
}

}  // namespace basecache::guest
