#include "agent/base/subprocess.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

CompletedProcess run_script(const std::string& script) {
  return run({{"sh", "-c", script}, {}, {}}, test::test_operation());
}

Error failure_of(const std::vector<std::string>& argv) {
  try {
    run_checked({argv, {}, {}}, test::test_operation(), "convert 'x'");
  } catch (const Error& error) {
    return error;
  }
  FAIL("the command succeeded");
  return {ErrorCode::internal, ""};
}

// Sets an environment variable of this process for one test case.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;
  ~ScopedVariable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// A pipe by name that a process and its children hold open for writing.
class HeldPipe {
 public:
  explicit HeldPipe(Path path) : path_(std::move(path)) {
    REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
    reader_ = open_file(path_, O_RDONLY | O_NONBLOCK);
  }
  // Waits until the last holder is dead.
  bool is_let_go() const {
    pollfd end{reader_.get(), 0, 0};
    return ::poll(&end, 1, 60'000) == 1 && (end.revents & POLLHUP) != 0;
  }

 private:
  Path path_;
  UniqueFd reader_;
};

// A leader with a child, both holding the pipe; says "ready" and never ends by itself.
std::string never_ending(const Path& pipe) { return "exec 9>" + pipe.string() + "; sleep 1000 & echo ready; wait"; }

}  // namespace

TEST_CASE("a child whose exit code the kernel threw away has not succeeded") {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  bool succeeded = false;
  try {
    succeeded = run_script("exit 0").status == 0;
  } catch (const Error&) {
    // It was gone before it could be watched.
  }
  ::signal(SIGCHLD, before);
  CHECK_FALSE(succeeded);
}

TEST_CASE("a program's status, output and errors come back") {
  const CompletedProcess done = run_script("echo out; echo err >&2; exit 3");
  CHECK(done.status == 3);
  CHECK(done.output == "out\n");
  CHECK(done.errors == "err\n");
}

TEST_CASE("a program ended by a signal has its negative number") { CHECK(run_script("kill -9 $$").status == -9); }

TEST_CASE("arguments arrive as they are, without a shell") {
  const CompletedProcess done = run({{"printf", "%s|%s|", "a b; $HOME", ""}, {}, {}}, test::test_operation());
  CHECK(done.output == "a b; $HOME||");
}

TEST_CASE("of a long output the beginning is kept, of long errors the end, and all of it can be heard") {
  std::size_t heard = 0;
  const Command command{{"sh", "-c", "head -c 3000000 /dev/zero; head -c 5000 /dev/zero >&2; echo end >&2"},
                        {},
                        [&](std::string_view chunk) { heard += chunk.size(); }};
  const CompletedProcess done = run(command, test::test_operation());
  CHECK(done.output.size() == 1 << 20);
  CHECK(heard == 3'000'000);
  CHECK(done.errors.size() == 2048);
  CHECK(done.errors.ends_with("end\n"));
}

TEST_CASE("a program sees only the environment it is given") {
  const ScopedVariable secret("BASECACHE_TEST_SECRET", "secret");
  const CompletedProcess done = run({{"env"}, {"GIVEN=1"}, {}}, test::test_operation());
  CHECK(done.output.find("BASECACHE_TEST_SECRET") == std::string::npos);
  CHECK(done.output.find("GIVEN=1\n") != std::string::npos);
  CHECK(done.output.find("LC_ALL=C\n") != std::string::npos);
  CHECK(done.output.find("PATH=") != std::string::npos);
}

TEST_CASE("a program inherits no descriptor of ours") {
  const UniqueFd inheritable(::fcntl(STDERR_FILENO, F_DUPFD, 100));
  REQUIRE(inheritable);
  CHECK(run_script("[ -e /proc/self/fd/" + std::to_string(inheritable.get()) + " ]").status == 1);
}

TEST_CASE("a program's stdin is empty") { CHECK(run({{"cat"}, {}, {}}, test::test_operation()).status == 0); }

TEST_CASE("a program reads the input that it is given, to its end, however long it is") {
  for (const std::size_t length : {std::size_t{1}, std::size_t{1} << 19}) {
    CAPTURE(length);
    const std::string text(length, 'i');
    const CompletedProcess done = run({.argv = {"cat"}, .input = Secret(text)}, test::test_operation());
    CHECK(done.status == 0);
    CHECK((done.output == text));
  }
}

TEST_CASE("a program's input is in no error about it") {
  const Command command{.argv = {"sh", "-c", "cat >/dev/null; exit 3"}, .input = Secret("the-password")};
  try {
    run_checked(command, test::test_operation(), "convert 'x'");
    FAIL("the command succeeded");
  } catch (const Error& error) {
    CHECK(error.message() == "cannot convert 'x': sh exited with 3");
    for (const auto& [name, value] : error.fields()) CHECK(value.find("the-password") == std::string::npos);
  }
}

TEST_CASE("a program has the default signals, whatever ours are") {
  sigset_t term;
  sigset_t before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &term, &before) == 0);
  const int status = run_script("kill -TERM $$; exit 0").status;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(status == -SIGTERM);
}

TEST_CASE("a cancelled program dies with its children") {
  const test::ScratchDir scratch;
  const HeldPipe pipe(scratch / "pipe");
  std::stop_source source;
  const Command command{
      {"sh", "-c", never_ending(scratch / "pipe")}, {}, [&](std::string_view) { source.request_stop(); }};
  CHECK_THROWS_AS(run(command, test::test_operation(source.get_token())), Cancelled);
  CHECK(pipe.is_let_go());
}

TEST_CASE("a program that outlives the deadline dies with its children") {
  const test::ScratchDir scratch;
  const HeldPipe pipe(scratch / "pipe");
  const OpContext op("short", {}, OpContext::Clock::now() + std::chrono::milliseconds(100));
  try {
    run({{"sh", "-c", never_ending(scratch / "pipe")}, {}, {}}, op);
    FAIL("ended by itself");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::timed_out);
  }
  CHECK(pipe.is_let_go());
}

TEST_CASE("children that outlive their leader don't keep us waiting") {
  const test::ScratchDir scratch;
  const HeldPipe pipe(scratch / "pipe");
  const CompletedProcess done = run_script("exec 9>" + (scratch / "pipe").string() + "; sleep 1000 & echo leader");
  CHECK(done.output == "leader\n");
  CHECK(pipe.is_let_go());
}

TEST_CASE("a cancelled operation starts nothing") {
  const test::ScratchDir scratch;
  std::stop_source source;
  source.request_stop();
  const Command command{{"touch", (scratch / "x").string()}, {}, {}};
  CHECK_THROWS_AS(run(command, test::test_operation(source.get_token())), Cancelled);
  CHECK_FALSE(read_small_file(scratch / "x"));
}

TEST_CASE("a missing tool is an error that names its package") {
  const test::ScratchDir empty;
  const ScopedVariable path("PATH", empty.path().string());
  const Error error = failure_of({"qemu-img", "info"});
  CHECK(error.code() == ErrorCode::tool_failed);
  CHECK(error.message().find("'qemu-img'") != std::string::npos);
  CHECK(error.hint().find("qemu-utils") != std::string::npos);
  CHECK(failure_of({"lvm", "vgs"}).hint().find("lvm2") != std::string::npos);
  CHECK(failure_of({"cryptsetup", "open"}).hint().find("cryptsetup-bin") != std::string::npos);
  CHECK(failure_of({"no-such-tool"}).hint().empty());
}

TEST_CASE("a program that can't be executed is an error") {
  const test::ScratchDir scratch;
  CHECK(failure_of({(scratch / "absent").string()}).code() == ErrorCode::tool_failed);
  test::write_file(scratch / "plain", "not a program");
  CHECK(failure_of({(scratch / "plain").string()}).code() == ErrorCode::tool_failed);
}

TEST_CASE("a program that is there and can't be executed isn't to be installed" * doctest::skip(test::kVforkIsFork)) {
  const test::ScratchDir scratch;
  const Path program = scratch / "qemu-img";
  test::write_file(program, "\x7f not a program");
  REQUIRE(::chmod(program.c_str(), 0755) == 0);
  const ScopedVariable path("PATH", scratch.path().string());
  const Error error = failure_of({"qemu-img"});
  CHECK(error.message() == "cannot run 'qemu-img': Exec format error");
  CHECK(error.hint().empty());
}

TEST_CASE("a program that can't be confined isn't run, and says what couldn't be done" *
          doctest::skip(test::kVforkIsFork)) {
  struct Refused : Confinement {
    Failure enter() const noexcept override { return {.step = "become somebody", .error = EPERM}; }
  };
  const Refused refused;
  const test::ScratchDir scratch;
  try {
    run({.argv = {"touch", (scratch / "x").string()}, .confinement = &refused}, test::test_operation());
    FAIL("it ran");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::tool_failed);
    CHECK(error.message() == "cannot confine 'touch' (become somebody): Operation not permitted");
    CHECK(error.hint().empty());
  }
  CHECK_FALSE(exists(scratch / "x"));
}

TEST_CASE("a failed command says what couldn't be done and the tool's own words") {
  const Error error = failure_of({"sh", "-c", "echo broken >&2; echo image >&2; exit 2"});
  CHECK(error.code() == ErrorCode::tool_failed);
  CHECK(error.message() == "cannot convert 'x': sh exited with 2: 'broken image'");
  REQUIRE(error.fields().size() == 3);
  CHECK(error.fields()[1] == std::pair<std::string, std::string>("exit", "2"));
  CHECK(failure_of({"sh", "-c", "kill -9 $$"}).message() == "cannot convert 'x': sh was ended by signal 9");
}

TEST_CASE("a tool that finds the disk full is no space") {
  CHECK(failure_of({"sh", "-c", "echo 'x: No space left on device' >&2; exit 1"}).code() == ErrorCode::no_space);
}

}  // namespace basecache
