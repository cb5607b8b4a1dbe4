#include "agent/base/process_start.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/unique_fd.hpp"

namespace basecache {
namespace {

bool is_the_null_device(int fd) {
  struct stat found {};
  struct stat null {};
  return ::fstat(fd, &found) == 0 && ::stat("/dev/null", &null) == 0 && found.st_rdev == null.st_rdev;
}

int lowest_free_descriptor() {
  const UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fd.get();
}

}  // namespace

TEST_CASE("standard streams that were closed are the null device, so that no file of ours becomes one") {
  const int lowest = lowest_free_descriptor();
  const UniqueFd input(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
  const UniqueFd errors(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
  ::close(STDIN_FILENO);
  ::close(STDERR_FILENO);
  prepare_process();
  const bool filled = is_the_null_device(STDIN_FILENO) && is_the_null_device(STDERR_FILENO);
  ::dup2(input.get(), STDIN_FILENO);
  ::dup2(errors.get(), STDERR_FILENO);
  CHECK(filled);
  CHECK(lowest_free_descriptor() == lowest + 2);  // those that hold the streams meanwhile; nothing else stayed open
}

TEST_CASE("as many files may be open as the system allows, up to what is enough") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit few = before;
  few.rlim_cur = 64;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  prepare_process();
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == (before.rlim_max < 65536 ? before.rlim_max : 65536));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace basecache
