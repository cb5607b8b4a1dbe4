#include "agent/fetch/local_image.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::fetch {
namespace {

UniqueFd duplicate(int file, const std::string& name) {
  UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, 0));
  const int error = errno;
  if (!copy) throw Error::from_errno(error, "keep image " + quote(name) + " open");
  return copy;
}

}  // namespace

LocalImage::LocalImage(int file, std::string name)
    : name_(std::move(name)), file_(duplicate(file, name_)), seen_(state_of(file_.get(), name_)) {}

bool LocalImage::is_trusted() const {
  struct stat found {};
  if (::fstat(file_.get(), &found) != 0) return false;
  const bool is_ours = found.st_uid == 0 || found.st_uid == ::geteuid();
  return is_ours && (found.st_mode & (S_IROTH | S_IWGRP | S_IWOTH)) == S_IROTH;
}

void LocalImage::check_unchanged() const {
  if (state_of(file_.get(), name_) == seen_) return;
  throw Error(ErrorCode::source_unavailable, "image " + quote(name_) + " was changed while it was read")
      .set_hint("wait until whoever writes it is done");
}

}  // namespace basecache::fetch
