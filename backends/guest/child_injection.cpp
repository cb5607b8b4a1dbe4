#include "backends/guest/child_injection.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "backends/guest/inject_program.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace basecache::guest {
namespace {

// The program that runs now, even when its file has been replaced: parent and child are of one version.
constexpr const char* kThisProgram = "/proc/self/exe";

// Each page with its head, at worst.
constexpr Bytes kMostBytes{kMostChangedPages * (ChangedPages::kPage + 16)};
// A second or two for the largest file systems: nothing is read but tables and a few directories.
constexpr std::chrono::seconds kCpuTime{60};

UniqueFd empty_memory() {
  UniqueFd file(::memfd_create("changes", MFD_CLOEXEC));
  const int error = errno;
  if (!file) throw Error::from_errno(error, "make room for the changes of a disk");
  return file;
}

std::vector<std::byte> content_of(int file) {
  constexpr const char* kName = "the changes of a disk";
  const Bytes length = length_of(file, kName);
  if (length > kMostBytes) throw Error(ErrorCode::tool_failed, "too much of the guest's disk would be changed");
  std::vector<std::byte> bytes(static_cast<std::size_t>(length.count));
  bytes.resize(read_at(file, bytes, 0, kName));
  return bytes;
}

// What the child says may be anything, as the guest may have taken it over; it is shown in quotes.
void require_end(const CompletedProcess& done) {
  const std::string said = done.errors.empty() ? "" : ": " + quote(done.errors, 1024);
  if (done.status == 0) return;
  if (done.status == kUnsupported) throw UnsupportedFileSystem(quote(done.errors, 512));
  if (done.status == kUnacceptable) {
    throw Error(ErrorCode::image_unacceptable, "the guest's file system isn't fit for it" + said);
  }
  throw Error(ErrorCode::tool_failed, "the reader of the guest's file system " + ending_of(done.status) + said);
}

}  // namespace

ChildInjection inject_by_child(const sandbox::Sandbox& sandbox, int disk, const InjectJob& job, const OpContext& op) {
  const UniqueFd changes = empty_memory();
  sandbox::Reach reach;
  reach.execute.emplace_back(kThisProgram);
  const sandbox::Limits limits{.address_space = gibibytes(1), .cpu_time = kCpuTime, .file_size = kMostBytes};
  const auto confinement = sandbox.confine(std::move(reach), limits, sandbox.stranger());
  const CompletedProcess done = run({.argv = {kThisProgram, kInjectArgument},
                                     .environment = {"MALLOC_ARENA_MAX=1"},
                                     .files = {disk, changes.get()},
                                     .confinement = confinement.get(),
                                     .input = Secret(to_bytes(job))},
                                    op);
  require_end(done);
  return {changes_from(content_of(changes.get()), job.disk_size), failures_from(done.output, job.injection)};
}

}  // namespace basecache::guest
