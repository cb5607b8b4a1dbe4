#include "backends/signature/certificate_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <optional>
#include <span>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::signature {
namespace {

constexpr std::array kEndings{".pem", ".crt", ".der"};
constexpr Bytes kLargest = kibibytes(64);  // a long RSA key with many names takes less than a tenth

constexpr const char* kHint =
    "a certificate is a regular file of at most 64 KiB there, not a link, and readable for this agent";

// A link could point to what other users may write; a FIFO would be waited for.
UniqueFd open_own(const Path& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
}

std::optional<std::string> content_of(const Path& path) {
  const UniqueFd fd = open_own(path);
  const int error = errno;
  if (!fd && error == ENOENT) return std::nullopt;
  if (!fd) throw Error::from_errno(error, "open certificate " + quote(path.native())).set_hint(kHint);
  struct stat found {};
  if (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) {
    throw Error(ErrorCode::storage_unusable, "certificate " + quote(path.native()) + " is not a regular file")
        .set_hint(kHint);
  }
  std::string content(kLargest.count + 1, '\0');
  content.resize(read_at(fd.get(), std::as_writable_bytes(std::span(content)), 0, path));
  if (content.size() <= kLargest.count) return content;
  throw Error(ErrorCode::storage_unusable,
              fmt::format("certificate {} is larger than {}", quote(path.native()), to_text(kLargest)))
      .set_hint(kHint);
}

}  // namespace

Certificate CertificateDirectory::load(const std::string& id) const {
  const std::string uuid = lower_case(id);
  if (!is_uuid(uuid)) {
    throw Error(ErrorCode::image_unacceptable, "certificate id " + quote(id) + " is not a UUID")
        .set_hint("certificates are known by the UUID in their file name");
  }
  for (const char* ending : kEndings) {
    if (const auto content = content_of(directory_ / (uuid + ending))) return Certificate::parse(uuid, *content);
  }
  throw Error(ErrorCode::image_unacceptable,
              fmt::format("certificate {} is not in {}", uuid, quote(directory_.native())))
      .set_hint(fmt::format("put it there as {}.pem", uuid))
      .add_field("certificate", uuid);
}

}  // namespace basecache::signature
