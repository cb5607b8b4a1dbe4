#include "backends/registry/directory_registry.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/filesystem/directory.hpp>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cerrno>
#include <ctime>
#include <nlohmann/json.hpp>
#include <tuple>

#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "backends/registry/image_claim.hpp"
#include "backends/registry/progress_meter.hpp"

namespace basecache::registry {
namespace {

// The default of the image API's os_hash_algo.
constexpr DigestAlgorithm kAlgorithm = DigestAlgorithm::sha512;

Error no_image(std::string_view id) {
  return Error(ErrorCode::image_not_found, "the registry has no image " + quote(id));
}

// Whatever isn't a UUID never becomes part of a path.
std::string known_id(const std::string& id) {
  std::string normal = lower_case(id);
  if (!is_uuid(normal)) throw no_image(id);
  return normal;
}

std::string id_for(const ImageImport& import) {
  if (!import.id) return to_string(boost::uuids::random_generator()());
  std::string normal = lower_case(*import.id);
  if (is_uuid(normal)) return normal;
  throw Error(ErrorCode::invalid_request, "id " + quote(*import.id) + " is not a UUID").add_field("field", "id");
}

StoredImage described(const ImageImport& import) {
  StoredImage image{.id = id_for(import),
                    .name = import.name.empty() ? import.file.filename().native() : import.name,
                    .disk_format = import.disk_format,
                    .container_format = import.container_format,
                    .size = {},
                    .digest = {},
                    .min_disk = import.min_disk,
                    .min_ram = import.min_ram,
                    .created_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
                    .properties = import.properties};
  check_description(image);
  return image;
}

bool is_there(const Path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return true;
  const int error = errno;
  if (error == ENOENT || error == ENOTDIR) return false;
  throw Error::from_errno(error, "look at " + quote(path.native()));
}

// A staged file that shares the source's blocks; nothing where the file system can't do that.
std::optional<StagedFile> clone_of(const SteadyFile& source, const Path& staged_path) {
  StagedFile staged = StagedFile::reserve(staged_path);
  {
    const UniqueFd fd = open_file(staged_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (::ioctl(fd.get(), FICLONE, source.fd()) != 0) return std::nullopt;
  }
  staged.adopt();
  return staged;
}

// UUIDs of the records in `directory`, in order. None where there is no directory.
std::vector<std::string> recorded_ids(const Path& directory) {
  std::vector<std::string> ids;
  boost::system::error_code failure;
  boost::filesystem::directory_iterator entry(directory, failure);
  if (failure == boost::system::errc::no_such_file_or_directory) return ids;
  for (; !failure && entry != boost::filesystem::directory_iterator(); entry.increment(failure)) {
    const Path name = entry->path().filename();
    if (name.extension() == ".json" && is_uuid(name.stem().native())) ids.push_back(name.stem().native());
  }
  if (failure) throw Error::from_errno(failure.value(), "list " + quote(directory.native()));
  std::ranges::sort(ids);
  return ids;
}

}  // namespace

StoredImage DirectoryRegistry::import_image(const ImageImport& import, OpContext& op) {
  StoredImage image = described(import);
  const SteadyFile source = SteadyFile::open(import.file);
  if (source.size().count == 0) {
    throw Error(ErrorCode::image_unacceptable, quote(import.file.native()) + " is empty");
  }
  make_directories(layout_.staging());
  ImageClaim::sweep(layout_);
  const ImageClaim claim(layout_, image.id, op);
  if (is_there(layout_.record(image.id))) {
    throw Error(ErrorCode::already_exists, "the registry has an image " + quote(image.id) + " already")
        .set_hint("remove it first, or import under another id");
  }
  claim.clear_leftovers();
  StagedFile bytes = copy_in(source, image, op);
  publish(std::move(bytes), image);
  return image;
}

// Reads the bytes once: those of the clone, which nobody else writes, or those that are being copied.
StagedFile DirectoryRegistry::copy_in(const SteadyFile& source, StoredImage& image, const OpContext& op) const {
  const Path staged_path = layout_.staged_image(image.id);
  std::optional<StagedFile> clone = clone_of(source, staged_path);
  const bool is_clone = clone.has_value();
  StagedFile staged = is_clone ? *std::move(clone) : StagedFile::create(staged_path);

  Hasher hasher(kAlgorithm);
  ProgressMeter progress(op, "copy", image.name);
  progress.start(source.size());
  const auto take = [&](std::span<const std::byte> bytes) {
    hasher.update(bytes);
    if (!is_clone) staged.append(bytes);
    progress.add(bytes.size());
  };
  if (is_clone) {
    SteadyFile::open(staged_path).read_all(take, op);
    // The clone is whole, but what somebody is still writing was no image when it was cloned.
    source.check_unchanged();
  } else {
    source.read_all(take, op);
    staged.finish();
  }
  progress.finish();
  image.size = staged.size();
  image.digest = hasher.finish();
  return staged;
}

void DirectoryRegistry::publish(StagedFile bytes, const StoredImage& image) const {
  StagedFile record = StagedFile::create(layout_.staged_record(image.id));
  const std::string text = to_json(image).dump(2) + "\n";
  record.append(std::as_bytes(std::span(text)));
  record.finish();
  // The claim removes the bytes again when the record doesn't follow.
  std::move(bytes).publish(layout_.image(image.id));
  std::move(record).publish(layout_.record(image.id));
}

ImageListing DirectoryRegistry::list() const {
  ImageListing listing;
  for (const std::string& id : recorded_ids(layout_.directory)) {
    try {
      listing.images.push_back(show(id));
    } catch (const Error& error) {
      // Not found: removed since the folder was read.
      if (error.code() != ErrorCode::image_not_found) listing.damaged.push_back({.id = id, .why = error.message()});
    }
  }
  std::ranges::sort(listing.images, {}, [](const StoredImage& image) { return std::tie(image.name, image.id); });
  return listing;
}

StoredImage DirectoryRegistry::show(const std::string& id) const {
  const std::string known = known_id(id);
  const auto record = read_small_file(layout_.record(known));
  if (!record && is_there(layout_.staging())) throw no_image(id);
  if (!record) {
    throw no_image(id)
        .add_field("registry", "missing")
        .set_hint("nothing was imported to " + quote(layout_.directory.native()) + ", or it isn't mounted");
  }
  return stored_image_from(*record, known);
}

void DirectoryRegistry::remove(const std::string& id, OpContext& op) {
  const std::string known = known_id(id);
  if (!is_there(layout_.record(known))) throw no_image(id);
  make_directories(layout_.staging());
  const ImageClaim claim(layout_, known, op);
  if (!is_there(layout_.record(known))) throw no_image(id);
  remove_file(layout_.record(known));
  // A record must not come back after a power cut without its bytes.
  sync_directory(layout_.directory);
  remove_file(layout_.image(known));
}

model::ImageRecord DirectoryRegistry::describe(const model::ImageRef& ref, OpContext& op) {
  op.check();
  StoredImage image = show(ref.text());
  return {.ref = ref,
          .name = std::move(image.name),
          .disk_format = std::move(image.disk_format),
          .container_format = std::move(image.container_format),
          .min_disk = image.min_disk,
          .min_ram = image.min_ram,
          .size = image.size,
          .digest = std::move(image.digest),
          .properties = std::move(image.properties)};
}

void DirectoryRegistry::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  const SteadyFile bytes = SteadyFile::open(layout_.image(known_id(record.ref.text())));
  if (record.size && *record.size != bytes.size()) {
    throw Error(ErrorCode::image_unacceptable,
                fmt::format("image {} has {} bytes, its record says {}", quote(record.ref.text()), bytes.size().count,
                            record.size->count))
        .set_hint("remove the image and import it again");
  }
  bytes.send_to(sink, op);
}

}  // namespace basecache::registry
