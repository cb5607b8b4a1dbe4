#include "agent/provision/disk_formats.hpp"

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::provision {
namespace {

Error unreadable(const Path& file) {
  return Error(ErrorCode::storage_unusable,
               "cannot understand " + quote(file.native()) + ": not a JSON object of names")
      .set_hint("it says what format each disk has, which is never guessed; restore it or remove the instance");
}

}  // namespace

DiskFormats DiskFormats::read(const Path& instance_directory) {
  const Path file = instance_directory / kFileName;
  DiskFormats formats;
  const std::optional<std::string> text = read_small_file(file);
  if (!text || text->empty()) return formats;  // empty: made just before a power cut
  const auto object = nlohmann::json::parse(*text, nullptr, false);
  if (!object.is_object()) throw unreadable(file);
  for (const auto& [path, format] : object.items()) {
    if (!format.is_string()) throw unreadable(file);
    formats.formats_[path] = format.get<std::string>();
  }
  return formats;
}

std::optional<model::DiskFormat> DiskFormats::format_of(const Path& disk) const {
  const auto found = formats_.find(disk.native());
  if (found == formats_.end()) return std::nullopt;
  const auto format = model::disk_format_from(found->second);
  if (format) return format;
  throw Error(ErrorCode::storage_unusable,
              "disk.info says that " + quote(disk.native()) + " is of unknown format " + quote(found->second));
}

std::string DiskFormats::word_for(const Path& disk) const {
  if (const auto exact = formats_.find(disk.native()); exact != formats_.end()) return exact->second;
  std::set<std::string> words;
  for (const auto& [path, word] : formats_) {
    if (Path(path).filename() == disk.filename()) words.insert(word);
  }
  return words.size() == 1 ? *words.begin() : "";
}

void DiskFormats::record(const Path& disk, model::DiskFormat format) {
  formats_[disk.native()] = model::qemu_name(format);
}

bool DiskFormats::forget_ending_with(std::string_view suffix) {
  return std::erase_if(formats_, [&](const auto& entry) { return entry.first.ends_with(suffix); }) > 0;
}

void DiskFormats::write(const Path& directory, Durability durability) const {
  replace_small_file(directory / kFileName, nlohmann::json(formats_).dump(), durability);
  inherit_owner(directory / kFileName);
}

void DiskFormats::replace(const Path& directory, const Path& staged, Durability durability) const {
  write(staged, durability);
  if (::rename((staged / kFileName).c_str(), (directory / kFileName).c_str()) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "replace " + quote((directory / kFileName).native()));
}

}  // namespace basecache::provision
