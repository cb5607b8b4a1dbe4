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
  for (const std::string& path : questions.files) {
    script += question(mark, number++, "cat " + word(path));
    script += question(mark, number++, "filesize " + word(path));
  }
  return script + fmt::format("echo {}:{}\n", mark, number);
}

GuestAnswers answers_from(std::string_view output, const GuestQuestions& questions, std::string_view mark) {
  std::size_t number = 0;
  // Between its mark and the next.
  const auto next_answer = [&]() -> std::optional<std::string_view> {
    const std::string begin = fmt::format("{}:{}\n", mark, number++);
    const std::size_t at = output.find(begin);
    const std::size_t end = output.find(fmt::format("{}:{}\n", mark, number));
    if (at == std::string_view::npos || end == std::string_view::npos) return std::nullopt;
    return output.substr(at + begin.size(), end - at - begin.size());
  };
  GuestAnswers answers;
  for (const std::string& path : questions.paths) {
    const auto said = next_answer();
    if (!said) throw Error(ErrorCode::tool_failed, "guestfish doesn't answer what it was asked");
    answers.has[path] = said->starts_with("true");
  }
  for (const std::string& path : questions.files) {
    const auto text = next_answer();
    const auto size = next_answer();
    // guestfish ends what it shows with a newline of its own, and shows nothing behind a NUL.
    if (text && size && *size == fmt::format("{}\n", text->size() - 1)) {
      answers.files[path] = text->substr(0, text->size() - 1);
    }
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
  const std::string name = word(path);
  directories_ += fmt::format("mkdir-p {0}\nchown 0 0 {0}\nchmod 0{1:o} {0}\n", name, mode);
  for (std::size_t end = path.size(); end != std::string::npos && end > 0; end = path.rfind('/', end - 1)) {
    answers_.has[path.substr(0, end)] = true;
  }
}

// Whatever is in a file, its bytes go by way of a new one, as base64: a word can't hold NUL, and only the copy follows
// links inside the guest. That there is room for the copy is tried out, so that a full disk is seen before a change.
void GuestfishScript::write_file(const injection::FileChange& change) {
  const std::string between = word(fmt::format("{}/{}", between_directory(mark_), files_));
  const std::string room = word(fmt::format("{}/{}.room", between_directory(mark_), files_++));
  fill_ += fmt::format("base64-in -<<{0} {1}\n{2}{0}\ncopy-file-to-file {1} {3}\n", mark_, between,
                       in_lines(model::base64_encode(change.bytes)), room);
  empty_ += fmt::format("rm-f {}\n", room);
  if (change.appends) {
    for (std::string_view rest = change.bytes; !rest.empty(); rest.remove_prefix(std::min(rest.size(), kBytesALine))) {
      change_ += fmt::format("write-append {} {}\n", word(change.path), word(rest.substr(0, kBytesALine)));
    }
  } else {
    change_ += fmt::format("copy-file-to-file {} {}\n", between, word(change.path));
  }
  if (change.mode) change_ += fmt::format("chmod 0{:o} {}\n", *change.mode, word(change.path));
}

GuestCommands::OfItem GuestfishScript::take(injection::ItemKind kind) {
  std::string prepare = fmt::format("mkdir-mode {} 0700\n", between_directory(mark_)) + fill_ + directories_ + empty_;
  GuestCommands::OfItem item{.kind = kind, .prepare = std::move(prepare), .change = std::move(change_)};
  files_ = 0;
  for (std::string* part : {&fill_, &directories_, &empty_, &change_}) part->clear();
  return item;
}

}  // namespace basecache::guest
