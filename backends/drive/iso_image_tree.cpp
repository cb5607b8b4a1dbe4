#include "backends/drive/iso_image_tree.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/drive/libisofs.hpp"

namespace basecache::drive {
namespace {

// 1980-01-01 00:00:00 UTC, which every reader of ISO 9660 can show.
constexpr time_t kFixedTime = 315532800;
constexpr std::string_view kFixedVolumeTime = "1980010100000000";
constexpr int kIsoLevel = 3;
constexpr int kReplaceByDefault = 2;

struct FreeOptions {
  void operator()(IsoWriteOpts* options) const { iso_write_opts_free(options); }
};
using Options = std::unique_ptr<IsoWriteOpts, FreeOptions>;

struct FreeStream {
  void operator()(IsoStream* stream) const { iso_stream_unref(stream); }
};
using Stream = std::unique_ptr<IsoStream, FreeStream>;

struct FreeMemory {
  void operator()(unsigned char* memory) const { std::free(memory); }
};

Options write_options() {
  IsoWriteOpts* made = nullptr;
  check_iso(iso_write_opts_new(&made, 0), "prepare an ISO 9660 image");
  Options options(made);
  IsoWriteOpts* const o = options.get();
  std::string volume_time(kFixedVolumeTime);
  const int statuses[] = {
      iso_write_opts_set_iso_level(o, kIsoLevel),
      iso_write_opts_set_rockridge(o, 1),
      iso_write_opts_set_rrip_version_1_10(o, 1),  // as mkisofs; 1.12's inode numbers follow memory addresses
      iso_write_opts_set_joliet(o, 1),
      iso_write_opts_set_relaxed_vol_atts(o, 1),  // a volume id in lower case
      iso_write_opts_set_replace_mode(o, kReplaceByDefault, kReplaceByDefault, kReplaceByDefault, kReplaceByDefault),
      iso_write_opts_set_default_dir_mode(o, 0755),
      iso_write_opts_set_default_file_mode(o, 0644),
      iso_write_opts_set_default_uid(o, 0),
      iso_write_opts_set_default_gid(o, 0),
      iso_write_opts_set_replace_timestamps(o, kReplaceByDefault),
      iso_write_opts_set_default_timestamp(o, kFixedTime),
      iso_write_opts_set_always_gmt(o, 1),
      iso_write_opts_set_pvd_times(o, kFixedTime, kFixedTime, 0, 0, volume_time.data()),
  };
  for (const int status : statuses) check_iso(status, "set the options of an ISO 9660 image");
  return options;
}

// A stream over a copy of `bytes`: libisofs wants memory that it can free().
Stream stream_of(std::string_view bytes) {
  std::unique_ptr<unsigned char, FreeMemory> copy(
      static_cast<unsigned char*>(std::malloc(std::max<std::size_t>(1, bytes.size()))));
  if (!copy) throw std::bad_alloc();
  std::copy(bytes.begin(), bytes.end(), copy.get());
  IsoStream* made = nullptr;
  check_iso(iso_memory_stream_new(copy.get(), bytes.size(), &made), "read a file from memory");
  (void)copy.release();
  return Stream(made);
}

// "a/b/c" -> {"a/b", "c"}; "c" -> {"", "c"}.
std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

bool is_plain(std::string_view name) { return !name.empty() && name != "." && name != ".."; }

void check_name(const std::string& name, const std::string& path) {
  if (is_plain(name)) return;
  throw Error(ErrorCode::invalid_request, quote(path) + " is no path of a file on a config drive");
}

void check_added(int status, const std::string& path) {
  if (status == static_cast<int>(ISO_NODE_NAME_NOT_UNIQUE)) {
    throw Error(ErrorCode::invalid_request, quote(path) + " is on the config drive twice");
  }
  if (status < 0) check_iso(status, "add " + quote(path) + " to the config drive");
}

}  // namespace

void IsoImageTree::FreeImage::operator()(Iso_Image* image) const { iso_image_unref(image); }

void IsoImageTree::FreeSource::operator()(burn_source* source) const {
  source->free_data(source);  // ends the thread
  std::free(source);
}

IsoImageTree::IsoImageTree(const std::string& volume_id) {
  IsoImage* made = nullptr;
  check_iso(iso_image_new(volume_id.c_str(), &made), "make an ISO 9660 image");
  image_.reset(made);
  directories_.emplace("", iso_image_get_root(made));
}

void IsoImageTree::add(const metadata::DriveFile& file) {
  const auto [parent, name] = split(file.path);
  check_name(file.path.starts_with('/') ? "" : name, file.path);
  IsoDir* const folder = directory(parent);
  Stream stream = stream_of(file.contents);
  check_added(iso_image_add_new_file(image_.get(), folder, name.c_str(), stream.get(), nullptr), file.path);
  (void)stream.release();  // the file's now
}

Iso_Dir* IsoImageTree::directory(const std::string& path) {
  if (const auto known = directories_.find(path); known != directories_.end()) return known->second;
  const auto [parent, name] = split(path);
  check_name(name, path);
  IsoDir* made = nullptr;
  check_added(iso_image_add_new_dir(image_.get(), directory(parent), name.c_str(), &made), path);
  directories_.emplace(path, made);
  return made;
}

std::unique_ptr<burn_source, IsoImageTree::FreeSource> IsoImageTree::bytes() const {
  burn_source* made = nullptr;
  check_iso(iso_image_create_burn_source(image_.get(), write_options().get(), &made), "lay out the config drive");
  return std::unique_ptr<burn_source, FreeSource>(made);
}

}  // namespace basecache::drive
