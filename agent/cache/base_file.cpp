#include "agent/cache/base_file.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/base_file_record.hpp"

namespace basecache::cache {
namespace {

std::optional<Bytes> length_of_regular_file(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    const int error = errno;
    if (error == ENOENT) return std::nullopt;
    throw Error::from_errno(error, "look at base file " + quote(path.native()));
  }
  if (!S_ISREG(found.st_mode)) return std::nullopt;
  return Bytes{static_cast<std::uint64_t>(found.st_size)};
}

bool is_raw_by_name(const model::CacheKey& key) {
  return key.kind() == model::CacheKey::Kind::ephemeral || key.kind() == model::CacheKey::Kind::swap;
}

}  // namespace

std::optional<BaseFile> BaseFile::find(const layout::CacheLayout& layout, const model::CacheKey& key) {
  Path path = layout.base_file(key);
  const std::optional<Bytes> length = length_of_regular_file(path);
  if (!length) return std::nullopt;
  if (is_raw_by_name(key)) return BaseFile(key, std::move(path), model::DiskFormat::raw, *length);
  const std::optional<BaseFileRecord> record = read_record(layout, key);
  if (!record) return std::nullopt;
  BaseFile base(key, std::move(path), record->format, record->virtual_size);
  base.rules_ = record->rules;
  base.is_boot_file_only_ = record->is_boot_file_only;
  base.is_raw_as_it_came_ = record->source_format.value_or(record->format) == model::DiskFormat::raw;
  return base;
}

}  // namespace basecache::cache
