#include "agent/base/process_start.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace basecache {
namespace {

constexpr rlim_t kEnoughFiles = 65536;

// Not O_CLOEXEC: children may have them too.
void fill_standard_streams() {
  int lowest_free = ::open("/dev/null", O_RDWR);
  while (lowest_free >= 0 && lowest_free <= STDERR_FILENO) lowest_free = ::open("/dev/null", O_RDWR);
  if (lowest_free >= 0) ::close(lowest_free);
}

void allow_more_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kEnoughFiles));
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

void prepare_process() noexcept {
  fill_standard_streams();
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);
  allow_more_files();
}

}  // namespace basecache
