#include "agent/base/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>

#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

// What `body` writes to stderr.
std::string written_by(const std::function<void()>& body) {
  const test::ScratchDir scratch;
  const UniqueFd kept(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  {
    const UniqueFd file = open_file(scratch / "stderr", O_WRONLY | O_CREAT, 0600);
    REQUIRE(::dup2(file.get(), STDERR_FILENO) == STDERR_FILENO);
  }
  body();
  REQUIRE(::dup2(kept.get(), STDERR_FILENO) == STDERR_FILENO);
  return test::read_file(scratch / "stderr");
}

// The fields part of one logged line.
std::string line_with(std::string_view value) {
  const std::string line = written_by([&] {
    log_event(LogLevel::warning, "tested", {{"value", std::string(value)}, {"n", 3}});
  });
  const std::size_t begin = line.find("event=");
  REQUIRE(begin != std::string::npos);
  return line.substr(begin);
}

}  // namespace

TEST_CASE("an event is one line of fields") { CHECK(line_with("abc/d") == "event=tested value=abc/d n=3\n"); }

TEST_CASE("a value with blanks, quotes or control bytes is quoted and stays on its line") {
  CHECK(line_with("a b") == "event=tested value=\"a b\" n=3\n");
  CHECK(line_with("") == "event=tested value=\"\" n=3\n");
  CHECK(line_with("a=b") == "event=tested value=\"a=b\" n=3\n");
  CHECK(line_with("\"\\") == "event=tested value=\"\\\"\\\\\" n=3\n");
  CHECK(line_with("a\nevent=forged\x1b") == "event=tested value=\"a\\x0aevent=forged\\x1b\" n=3\n");
}

TEST_CASE("what is below the level isn't written") {
  set_log_level(LogLevel::error);
  CHECK(written_by([] { log_event(LogLevel::warning, "quiet"); }).empty());
  CHECK(written_by([] { log_event(LogLevel::error, "loud"); }).find("event=loud") != std::string::npos);
  set_log_level(LogLevel::info);
  CHECK(written_by([] { log_event(LogLevel::debug, "quiet"); }).empty());
}

}  // namespace basecache
