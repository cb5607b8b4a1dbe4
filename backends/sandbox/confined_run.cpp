#include "backends/sandbox/confined_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "agent/base/child_process.hpp"
#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::sandbox {
namespace {

struct stat status_of(const OpenedFile& file) {
  struct stat found {};
  if (::fstat(file.fd(), &found) == 0) return found;
  const int error = errno;
  throw Error::from_errno(error, "look at " + quote(file.path().native()));
}

bool is_everybodys(const OpenedFile& file) { return (status_of(file).st_mode & S_IROTH) != 0; }

// The files that a user gets for the time of a run, and to whom they belong otherwise.
class LentFiles {
 public:
  // Delegates first: what was lent goes back also when the rest can't be.
  LentFiles(const std::vector<const OpenedFile*>& files, User user) : LentFiles() {
    for (const OpenedFile* file : files) {
      const bool may_already = file->access() == OpenedFile::Access::read && is_everybodys(*file);
      if (may_already || file->owner() == user) continue;
      owners_.emplace_back(file->fd(), file->owner());
      give(file->fd(), user);
    }
  }
  LentFiles(const LentFiles&) = delete;
  LentFiles& operator=(const LentFiles&) = delete;
  ~LentFiles() {
    for (const auto& [fd, owner] : owners_) give(fd, owner);
  }

 private:
  LentFiles() = default;

  // Where the file system knows no owners (vfat, some NFS), the program finds out what it may.
  static void give(int fd, User user) { [[maybe_unused]] const int result = ::fchown(fd, user.uid, user.gid); }

  std::vector<std::pair<int, User>> owners_;
};

std::vector<int>& way_to(const OpenedFile& file, Reach& reach) {
  if (file.access() == OpenedFile::Access::read) return reach.read_opened;
  return S_ISBLK(status_of(file).st_mode) ? reach.devices_opened : reach.write_opened;
}

Reach reach_of(const std::vector<const OpenedFile*>& files) {
  Reach reach;
  for (const OpenedFile* file : files) way_to(*file, reach).push_back(file->fd());
  return reach;
}

std::string replaced(std::string text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

OpenedFile::OpenedFile(const Path& path, Access access)
    : path_(path), fd_(open_file(path, access == Access::read ? O_RDONLY : O_RDWR | O_NOFOLLOW)), access_(access) {}

OpenedFile OpenedFile::make(const Path& path, Bytes size) {
  OpenedFile file(path, open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600), Access::write);
  if (::ftruncate(file.fd(), static_cast<off_t>(size.count)) == 0) return file;
  const int error = errno;
  throw Error::from_errno(error, fmt::format("make a file of {} at {}", to_text(size), quote(path.native())));
}

Bytes OpenedFile::size() const { return length_of(fd(), path_); }

User OpenedFile::owner() const {
  const struct stat found = status_of(*this);
  return {.uid = found.st_uid, .gid = found.st_gid};
}

User OpenedFile::reader(const Sandbox& sandbox) const {
  return is_everybodys(*this) || owner().uid == ::geteuid() ? sandbox.stranger() : owner();
}

std::string descriptor_path(std::size_t position) { return "/dev/fd/" + std::to_string(3 + position); }

CompletedProcess run_confined(const Sandbox& sandbox, ConfinedRun confined, const OpContext& op) {
  auto& [command, files, user, limits, sees_mounts] = confined;
  Reach reach = reach_of(files);
  reach.own_mounts = sees_mounts;
  reach.execute.emplace_back(find_program(command.argv.front()));
  const auto confinement = sandbox.confine(std::move(reach), limits, user);
  for (const OpenedFile* file : files) command.files.push_back(file->fd());
  command.environment.emplace_back("MALLOC_ARENA_MAX=3");  // else each thread reserves address space of its own
  command.confinement = confinement.get();
  const LentFiles lent(sandbox.changes_users() ? files : std::vector<const OpenedFile*>(), user);
  CompletedProcess done = run(command, op);
  for (std::size_t i = 0; i < files.size(); ++i) {
    done.errors = replaced(std::move(done.errors), descriptor_path(i), files[i]->path().native());
  }
  return done;
}

}  // namespace basecache::sandbox
