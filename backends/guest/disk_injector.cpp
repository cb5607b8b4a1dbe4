#include "backends/guest/disk_injector.hpp"

#include <string>

#include "agent/base/error.hpp"
#include "backends/guest/child_injection.hpp"
#include "backends/guest/guestfish.hpp"
#include "backends/guest/root_disk.hpp"
#include "backends/guest/unsupported_file_system.hpp"

namespace basecache::guest {
namespace {

bool is_mandatory(const ItemFailure& failure) { return injection::Item{.kind = failure.kind}.is_mandatory(); }

// Before anything is written: the note is as true as the error.
void tell(const std::vector<ItemFailure>& failures, OpContext& op) {
  for (const ItemFailure& failure : failures) {
    const std::string what = std::string(injection::name_of(failure.kind)) + ": " + failure.why;
    if (is_mandatory(failure)) throw Error(ErrorCode::image_unacceptable, what);
    op.note("not injected: " + what);
  }
}

// Where nothing had to be put in, the disk is made without.
void tell_or_throw(Error error, const injection::Injection& injection, OpContext& op) {
  op.check();
  if (injection.has_mandatory()) throw Error(error.add_context("cannot inject into the root disk"));
  op.note("nothing was injected: " + error.message() + (error.hint().empty() ? "" : "; " + error.hint()));
}

DiskChanges changes_by_child(const sandbox::Sandbox& sandbox, const provision::NewRootDisk& disk,
                             const injection::Injection& injection, OpContext& op) {
  if (!is_plain(disk)) throw UnsupportedFileSystem("its disk isn't raw, nor an overlay of a raw base file");
  const UniqueFd view = open_view(disk);
  ChildInjection done = inject_by_child(sandbox, view.get(), {disk.size.count, injection}, op);
  tell(done.failures, op);
  return std::move(done.changes);
}

}  // namespace

DiskInjector::Changes DiskInjector::find_changes(const provision::NewRootDisk& disk,
                                                 const injection::Injection& injection, OpContext& op) const {
  try {
    return {.of_disk = changes_by_child(sandbox_, disk, injection, op), .commands = {}};
  } catch (const UnsupportedFileSystem& other) {
    return with_context([&] { return "the root file system is left to guestfish (" + std::string(other.what()) + ")"; },
                        [&] { return Changes{.of_disk = {}, .commands = guestfish_commands(disk, injection, op)}; });
  }
}

// A disk that can't be written as it should is no disk, whatever was to be put in.
void DiskInjector::inject(const provision::NewRootDisk& disk, const injection::Injection& injection, OpContext& op) {
  Changes changes;
  try {
    changes = find_changes(disk, injection, op);
  } catch (const Error& error) {
    return tell_or_throw(error, injection, op);
  }
  with_context([] { return "cannot inject into the root disk"; },
               [&] {
                 write_changes(disk, changes.of_disk, op);
                 run_guestfish(disk, injection.partition, changes.commands, op);
               });
}

}  // namespace basecache::guest
