#include "backends/guest/inject_program.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/guest/apply_injection.hpp"
#include "backends/guest/disk_changes.hpp"
#include "backends/guest/inject_job.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace basecache::guest {
namespace {

std::string read_input() {
  std::string bytes(static_cast<std::size_t>(length_of(STDIN_FILENO, "the job").count), '\0');
  bytes.resize(read_at(STDIN_FILENO, std::as_writable_bytes(std::span(bytes)), 0, "the job"));
  return bytes;
}

int inject() {
  const InjectJob job = job_from(read_input());
  const DiskView disk(kDiskFd, job.disk_size);
  ChangedPages pages(disk, kMostChangedPages);
  const auto failures = apply_injection(job.injection, disk, pages);
  write_all_at(kChangesFd, to_bytes(changes_of(pages)), 0, "the changes");
  std::fputs(to_text(failures).c_str(), stdout);
  return 0;
}

int fail(const char* why, int status) {
  std::fputs(why, stderr);
  return status;
}

int inject_or_say_why_not() {
  try {
    return inject();
  } catch (const UnsupportedFileSystem& other) {
    return fail(other.what(), kUnsupported);
  } catch (const Error& error) {
    return fail(error.what(), error.code() == ErrorCode::image_unacceptable ? kUnacceptable : 1);
  } catch (const std::exception& error) {
    return fail(error.what(), 1);
  }
}

}  // namespace

std::optional<int> run_if_injector(int argc, const char* const* argv) {
  if (argc != 2 || std::string_view(argv[1]) != kInjectArgument) return std::nullopt;
  ::prctl(PR_SET_NAME, kInjectArgument);
  const int status = inject_or_say_why_not();
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace basecache::guest
