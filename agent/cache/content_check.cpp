#include "agent/cache/content_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <functional>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/base/throttle.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/content_digest.hpp"

namespace basecache::cache {
namespace {

constexpr const char* kReason = "its bytes are not those that were published any more";

UniqueFd open_base_file(const Path& path, const model::CacheKey& key) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const int error = errno;
  if (fd && state_of(fd.get(), path).is_regular) return fd;
  if (fd) throw Error(ErrorCode::storage_unusable, quote(path.native()) + " is not a regular file");
  if (error == ENOENT) throw Error(ErrorCode::not_found, "there is no base file " + key.text());
  throw Error::from_errno(error, "open base file " + quote(path.native()));
}

bool is_same_file(int fd, const Path& path) {
  struct stat opened {};
  struct stat standing {};
  return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &standing) == 0 && opened.st_dev == standing.st_dev &&
         opened.st_ino == standing.st_ino;
}

std::string read_digest(int fd, const Path& path, CheckedContent& checked, const RateLimit& rate, OpContext& op) {
  const auto step = op.steps().measure("verify");
  // From the disk, not from what the kernel remembers of it.
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  Throttle throttle(rate, op);
  throttle.restart();
  return content_digest(fd, path, [&](Bytes piece) {
    checked.read = checked.read + piece;
    op.report({.step = "verify",
               .subject = path.filename().native(),
               .done = checked.read.count,
               .total = checked.size.count});
    op.check();
    throttle.pass(piece);
  });
}

// What the disk doesn't give any more is as lost as what it gives wrongly. A failure of the storage as a whole condemns
// nothing: it keeps no mark, either.
std::optional<std::string> why_rotten(const std::function<std::string()>& read, const std::string& published) {
  try {
    return read() == published ? std::nullopt : std::optional<std::string>(kReason);
  } catch (const LostBytes& lost) {
    return lost.message();
  }
}

}  // namespace

std::string_view name_of(ContentState state) {
  switch (state) {
    case ContentState::verified:
      return "verified";
    case ContentState::rotten:
      return "rotten";
    case ContentState::unknown:
      return "unknown";
    case ContentState::skipped:
      return "skipped";
  }
  return "";
}

CheckedContent ContentCheck::check(const model::CacheKey& key, const RateLimit& rate, OpContext& op) {
  const Path path = layout_.base_file(key);
  const UniqueFd file = open_base_file(path, key);
  CheckedContent checked{.size = state_of(file.get(), path).size};
  const std::optional<BaseFileRecord> record = read_record(layout_, key);
  if (!record || !record->content_digest || !record->content_digest->starts_with(kContentDigestPrefix)) {
    checked.detail = "no digest was recorded when it was made";
    return checked;
  }
  const auto why =
      why_rotten([&] { return read_digest(file.get(), path, checked, rate, op); }, *record->content_digest);
  checked.state = why ? ContentState::rotten : ContentState::verified;
  if (why) condemn(key, file.get(), *why, checked, op);
  return checked;
}

void ContentCheck::condemn(const model::CacheKey& key, int fd, const std::string& reason, CheckedContent& checked,
                           OpContext& op) {
  {
    FileLock file(layout_.lock_file(key));
    const SharedLock lock = lock_shared(file, op);
    if (!is_same_file(fd, layout_.base_file(key))) {
      checked = {.state = ContentState::skipped, .detail = "it went while it was read", .size = checked.size};
      return;
    }
    if (!read_unfitness(layout_, key)) quarantine_.condemn(key, {.reason = reason});
  }
  const std::optional<std::string> why_it_stays = quarantine_.isolate(key, op);
  checked.detail = why_it_stays
                       ? fmt::format("{}; no request gets it any more, but it stays: {}", reason, *why_it_stays)
                       : fmt::format("{}; it went to quarantine", reason);
}

}  // namespace basecache::cache
