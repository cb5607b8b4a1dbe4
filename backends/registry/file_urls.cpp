#include "backends/registry/file_urls.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/url.hpp"

namespace basecache::registry {
namespace {

Error bad_url(std::string_view url, std::string_view why) {
  return Error(ErrorCode::invalid_request, fmt::format("image ref {}: {}", quote(redact_url(url)), why))
      .add_field("field", "image_ref");
}

// Without the empty and "." components; ".." stays to be refused.
Path tidy(const Path& path) {
  Path result("/");
  for (const Path& component : path.relative_path()) {
    if (!component.empty() && component != ".") result /= component;
  }
  return result;
}

// The path that a file URL names, absolute. What is percent-encoded is looked at after decoding.
Path path_in(const std::string& text) {
  if (text.find_first_of("?#") != std::string::npos) {
    throw bad_url(text, "a file URL has no '?' and no '#'").set_hint("write them %3F and %23 in a file's name");
  }
  const auto url = http::parse_url(text);
  if (!url || !url->path.starts_with('/')) throw bad_url(text, "not a file URL that can be read");
  Path path = tidy(url->path);
  if (std::ranges::find(path, Path("..")) != path.end()) throw bad_url(text, "a file URL has no '..' in it");
  return path;
}

// What remains of `path` below `directory`; nothing when it isn't below it.
std::optional<Path> below(const Path& directory, const Path& path) {
  const auto parted = std::ranges::mismatch(directory, path);
  if (parted.in1 != directory.end() || parted.in2 == path.end()) return std::nullopt;
  return path.lexically_relative(directory);
}

UniqueFd open_directory(const Path& directory) {
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const int error = errno;
  if (!fd) throw cannot_open(error, directory);
  return fd;
}

// `rest` below `directory`, wherever its components are swapped to while we look. O_NONBLOCK: a fifo without a writer
// must not hold us.
UniqueFd open_without_links(const Path& directory, const Path& rest) {
  const UniqueFd parent = open_directory(directory);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  while (true) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, parent.get(), rest.c_str(), &how, sizeof how)));
    const int error = errno;
    if (fd) return fd;
    if (error != EINTR) throw cannot_open(error, directory / rest);
  }
}

Error forbidden(const Path& path, bool none_listed) {
  return Error(ErrorCode::forbidden,
               none_listed ? "file URLs are not allowed on this node"
                           : fmt::format("{} is not below a directory that file URLs may name", quote(path.native())))
      .set_hint("list the image's directory in [basecache] file_url_directories");
}

std::vector<Path> longest_first(std::vector<Path> directories) {
  std::ranges::transform(directories, directories.begin(), tidy);
  std::ranges::sort(directories, std::ranges::greater{}, [](const Path& path) { return path.size(); });
  return directories;
}

}  // namespace

FileUrls::FileUrls(std::vector<Path> directories) : directories_(longest_first(std::move(directories))) {}

SteadyFile FileUrls::open(const std::string& url) const {
  const Path path = path_in(url);
  for (const Path& directory : directories_) {
    if (const auto rest = below(directory, path)) return {open_without_links(directory, *rest), path};
  }
  throw forbidden(path, directories_.empty());
}

}  // namespace basecache::registry
