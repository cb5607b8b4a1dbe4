#include "agent/layout/cache_layout.hpp"

#include <array>

#include "agent/base/text.hpp"

namespace basecache::layout {
namespace {

constexpr std::string_view kStagedInstanceEnd = ".part";
constexpr std::array<std::string_view, 2> kStagedFileEnds{".part", ".converted"};

}  // namespace

CacheLayout::CacheLayout(Path instances_path, std::string base_directory_name)
    : instances_path_(std::move(instances_path)), base_(instances_path_ / base_directory_name) {}

Path CacheLayout::instance_directory(std::string_view uuid) const { return instances_path_ / std::string(uuid); }

Path CacheLayout::staged_instance_directory(std::string_view uuid) const {
  return instances_path_ / ("." + std::string(uuid) + std::string(kStagedInstanceEnd));
}

Path CacheLayout::instance_lock(std::string_view uuid) const { return instance_lock_directory() / std::string(uuid); }

std::optional<model::CacheKey> staged_file_key(std::string_view file_name) {
  for (const std::string_view end : kStagedFileEnds) {
    if (file_name.ends_with(end)) return model::CacheKey::parse(file_name.substr(0, file_name.size() - end.size()));
  }
  return std::nullopt;
}

std::optional<std::string> staged_instance_uuid(std::string_view file_name) {
  if (!file_name.starts_with('.') || !file_name.ends_with(kStagedInstanceEnd)) return std::nullopt;
  const std::string_view uuid = file_name.substr(1, file_name.size() - 1 - kStagedInstanceEnd.size());
  if (!is_uuid(uuid)) return std::nullopt;
  return std::string(uuid);
}

}  // namespace basecache::layout
