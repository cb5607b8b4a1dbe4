#include "backends/guest/guestfish.hpp"

#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "agent/injection/apply_item.hpp"
#include "backends/guest/guestfish_script.hpp"

namespace basecache::guest {
namespace {

constexpr const char* kProgram = "guestfish";

std::string random_mark() {
  std::array<unsigned char, 12> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw Error(ErrorCode::internal, "cannot draw random bytes");
  }
  std::string mark = "basecache";
  for (const unsigned char byte : bytes) mark += static_cast<char>('a' + byte % 26);
  return mark;
}

std::vector<std::string> environment() {
  std::vector<std::string> passed{"LIBGUESTFS_BACKEND=direct"};
  for (char** one = ::environ; *one != nullptr; ++one) {
    const std::string_view entry(*one);
    const bool is_ours = entry.starts_with("LIBGUESTFS_") && !entry.starts_with("LIBGUESTFS_BACKEND=");
    if (is_ours || entry.starts_with("TMPDIR=")) passed.emplace_back(entry);
  }
  return passed;
}

std::vector<std::string> argv(const provision::NewRootDisk& disk, int partition, bool only_reads) {
  std::vector<std::string> words{kProgram, only_reads ? "--ro" : "--rw",
                                 "--format=" + std::string(model::qemu_name(disk.format)), "-a", disk.path.native()};
  if (partition == injection::kInspect) {
    words.emplace_back("-i");
  } else {
    words.emplace_back("-m");
    words.push_back(partition == injection::kWholeDisk ? "/dev/sda" : "/dev/sda" + std::to_string(partition));
  }
  return words;
}

std::string_view trimmed(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

CompletedProcess run_script(const provision::NewRootDisk& disk, int partition, std::string script, bool only_reads,
                            const OpContext& op) {
  CompletedProcess done =
      run({.argv = argv(disk, partition, only_reads), .environment = environment(), .input = Secret(std::move(script))},
          op);
  if (done.status == 0) return done;
  throw Error(ErrorCode::image_unacceptable, "guestfish can't change the guest: " + quote(trimmed(done.errors), 512));
}

// One after the other, those that must succeed too; what can't even be said is noted.
std::string changes_script(const injection::Injection& injection, GuestAnswers answers, const std::string& mark,
                           OpContext& op) {
  GuestfishScript tree(std::move(answers), mark);
  std::string script;
  for (const injection::Item& item : injection.items) {
    try {
      injection::apply_item(item, tree);
      script += tree.take(item.is_mandatory());
    } catch (const Error& error) {
      (void)tree.take(false);
      if (item.is_mandatory()) throw;
      op.note("not injected: " + std::string(injection::name_of(item.kind)) + ": " + error.message());
    }
  }
  return script;
}

}  // namespace

std::string guestfish_commands(const provision::NewRootDisk& disk, const injection::Injection& injection,
                               OpContext& op) {
  try {
    const std::string mark = random_mark();
    const GuestQuestions questions = questions_for(injection);
    const auto said = run_script(disk, injection.partition, script_of(questions, mark), true, op);
    return changes_script(injection, answers_from(said.output, questions, mark), mark, op);
  } catch (Error& error) {
    if (error.code() == ErrorCode::tool_failed) error.set_hint("install libguestfs-tools, and a kernel for it to boot");
    throw;
  }
}

void run_guestfish(const provision::NewRootDisk& disk, int partition, std::string commands, OpContext& op) {
  const CompletedProcess done = run_script(disk, partition, std::move(commands), false, op);
  if (!done.errors.empty()) op.note("guestfish couldn't inject all: " + quote(trimmed(done.errors), 512));
}

}  // namespace basecache::guest
