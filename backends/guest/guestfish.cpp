#include "backends/guest/guestfish.hpp"

#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/path.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "agent/injection/apply_item.hpp"
#include "backends/guest/guestfish_script.hpp"

namespace basecache::guest {
namespace {

constexpr const char* kProgram = "guestfish";
constexpr const char* kHint = "install libguestfs-tools, and a kernel for it to boot";
// An appliance without the hardware's help boots in one.
constexpr std::chrono::minutes kLongestRun{5};

struct GuestRun {
  std::string mark;
  std::string script;
  bool only_reads = true;
};

std::string random_mark() {
  std::array<unsigned char, 12> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw Error(ErrorCode::internal, "cannot draw random bytes");
  }
  std::string mark = "basecache";
  for (const unsigned char byte : bytes) mark += static_cast<char>('a' + byte % 26);
  return mark;
}

// For what it keeps in between, new files of the guest among it: what a kill leaves goes with the staged disk.
class RunDirectory {
 public:
  explicit RunDirectory(const provision::NewRootDisk& disk) {
    if (disk.path.native().starts_with("/dev/")) return;
    std::string name = (disk.path.parent_path() / ".guestfish-XXXXXX").native();
    const char* made = ::mkdtemp(name.data());
    const int error = errno;
    if (made == nullptr) throw Error::from_errno(error, "make a directory for guestfish");
    path_ = name;
  }
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  ~RunDirectory() {
    boost::system::error_code ignored;
    if (!path_.empty()) boost::filesystem::remove_all(path_, ignored);
  }

  const Path& path() const { return path_; }  // empty: there is none

 private:
  Path path_;
};

// Not what would make guestfish tell what it is given.
std::vector<std::string> environment(const Path& directory) {
  std::vector<std::string> passed{"LIBGUESTFS_BACKEND=direct"};
  if (!directory.empty()) passed.push_back("LIBGUESTFS_TMPDIR=" + directory.native());
  for (char** one = ::environ; *one != nullptr; ++one) {
    const std::string_view entry(*one);
    const std::string_view name = entry.substr(0, entry.find('='));
    const bool is_ours = name == "LIBGUESTFS_BACKEND" || (name == "LIBGUESTFS_TMPDIR" && !directory.empty());
    const bool tells = name == "LIBGUESTFS_DEBUG" || name == "LIBGUESTFS_TRACE";
    if ((name.starts_with("LIBGUESTFS_") && !is_ours && !tells) || name == "TMPDIR") passed.emplace_back(entry);
  }
  return passed;
}

std::vector<std::string> argv(const provision::NewRootDisk& disk, int partition, bool only_reads) {
  std::vector<std::string> words{kProgram, only_reads ? "--ro" : "--rw",
                                 "--format=" + std::string(model::qemu_name(disk.format)), "-a", disk.path.native()};
  if (partition == injection::kInspect) words.emplace_back("-i");
  return words;
}

std::string_view trimmed(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

std::string words_of(const CompletedProcess& done) { return quote(trimmed(done.errors), 512); }

CompletedProcess run_script(const provision::NewRootDisk& disk, int partition, const GuestRun& what,
                            const OpContext& op) {
  const RunDirectory directory(disk);
  const OpContext bounded(op.id(), op.stop(), std::min(op.deadline(), OpContext::Clock::now() + kLongestRun));
  CompletedProcess done = run({.argv = argv(disk, partition, what.only_reads),
                               .environment = environment(directory.path()),
                               .input = Secret(opening_script(what.mark, partition, what.only_reads) + what.script)},
                              bounded);
  const bool is_up = progress_of(done.output, what.mark).is_up;
  if (done.status == 0 || is_up) return done;
  if (done.errors.find("no operating system was found") != std::string::npos) {
    throw Error(ErrorCode::image_unacceptable, "guestfish finds no operating system in the guest");
  }
  throw Error(ErrorCode::tool_failed, "guestfish can't start its appliance: " + words_of(done)).set_hint(kHint);
}

Error guest_error(const CompletedProcess& done) {
  return {ErrorCode::image_unacceptable, "guestfish can't change the guest: " + words_of(done)};
}

void note_not_injected(injection::ItemKind kind, const std::string& why, OpContext& op) {
  op.note("not injected: " + std::string(injection::name_of(kind)) + ": " + why);
}

// What can't even be said is noted.
GuestCommands commands_for(const injection::Injection& injection, GuestAnswers answers, const std::string& mark,
                           OpContext& op) {
  GuestfishScript tree(std::move(answers), mark);
  GuestCommands commands{.mark = mark, .items = {}};
  for (const injection::Item& item : injection.items) {
    try {
      injection::apply_item(item, tree);
      commands.items.push_back(tree.take(item.kind));
    } catch (const Error& error) {
      (void)tree.take(item.kind);
      if (item.is_mandatory()) throw;
      note_not_injected(item.kind, error.message(), op);
    }
  }
  return commands;
}

}  // namespace

GuestCommands guestfish_commands(const provision::NewRootDisk& disk, const injection::Injection& injection,
                                 OpContext& op) {
  try {
    const std::string mark = random_mark();
    const GuestQuestions questions = questions_for(injection);
    const auto said = run_script(disk, injection.partition, {mark, script_of(questions, mark), true}, op);
    if (said.status != 0) throw guest_error(said);
    return commands_for(injection, answers_from(said.output, questions, mark), mark, op);
  } catch (Error& error) {
    if (error.code() == ErrorCode::tool_failed) error.set_hint(kHint);
    throw;
  }
}

void run_guestfish(const provision::NewRootDisk& disk, int partition, const GuestCommands& commands, OpContext& op) {
  bool is_clean = true;
  for (std::size_t next = 0; next < commands.items.size() || !is_clean;) {
    const auto done = run_script(disk, partition, {commands.mark, script_of(commands, next), false}, op);
    if (done.status == 0) return;
    const GuestProgress progress = progress_of(done.output, commands.mark);
    next += progress.done;
    if (next >= commands.items.size() || progress.is_changing) throw guest_error(done);
    const injection::ItemKind kind = commands.items[next].kind;
    if (injection::Item{.kind = kind}.is_mandatory()) throw guest_error(done);
    note_not_injected(kind, words_of(done), op);
    is_clean = false;
    ++next;
  }
}

}  // namespace basecache::guest
