#include "backends/registry/url_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/http/url.hpp"

namespace basecache::registry {
namespace {

bool is_file_url(const model::ImageRef& ref) { return ref.text().starts_with("file:"); }

Error bad_url(const model::ImageRef& ref, std::string_view why) {
  return Error(ErrorCode::invalid_request, fmt::format("image ref {}: {}", quote(ref.shown()), why))
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
Path path_in(const model::ImageRef& ref) {
  if (ref.text().find_first_of("?#") != std::string::npos) {
    throw bad_url(ref, "a file URL has no '?' and no '#'").set_hint("write them %3F and %23 in a file's name");
  }
  const auto url = http::parse_url(ref.text());
  if (!url || !url->path.starts_with('/')) throw bad_url(ref, "not a file URL that can be read");
  Path path = tidy(url->path);
  if (std::ranges::find(path, Path("..")) != path.end()) throw bad_url(ref, "a file URL has no '..' in it");
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

UrlSource::UrlSource(http::HttpClient& client, std::vector<Path> file_directories)
    : client_(client), file_directories_(longest_first(std::move(file_directories))) {}

SteadyFile UrlSource::open_beneath(const model::ImageRef& ref) const {
  const Path path = path_in(ref);
  for (const Path& directory : file_directories_) {
    if (const auto rest = below(directory, path)) return {open_without_links(directory, *rest), path};
  }
  throw forbidden(path, file_directories_.empty());
}

model::ImageRecord UrlSource::describe(const model::ImageRef& ref, OpContext& op) {
  op.check();
  model::ImageRecord record{.ref = ref, .name = {}, .disk_format = {}, .size = {}, .digest = {}, .properties = {}};
  if (is_file_url(ref)) {
    const SteadyFile file = open_beneath(ref);
    record.name = file.path().filename().native();
    record.size = file.size();
  }
  return record;
}

void UrlSource::fetch(const model::ImageRecord& record, cache::ImageSink& sink, OpContext& op) {
  if (!is_file_url(record.ref)) return client_.download({.urls = {record.ref.text()}}, "", sink, op);
  const SteadyFile file = open_beneath(record.ref);
  if (record.size && *record.size != file.size()) {
    throw Error(ErrorCode::source_unavailable,
                fmt::format("{} has {} bytes, it had {} a moment ago", quote(file.path().native()), file.size().count,
                            record.size->count))
        .set_hint("wait until whoever writes it is done");
  }
  sink.start({.size = file.size(), .version = ""});
  file.read_all([&](std::span<const std::byte> block) { sink.write(block); }, op);
}

}  // namespace basecache::registry
