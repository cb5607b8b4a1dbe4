#include "agent/provision/instance_image.hpp"

#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"

namespace basecache::provision {
namespace {

using nlohmann::json;
namespace fs = boost::filesystem;

InstanceImage image_in(const json& object) {
  InstanceImage image{.ref = object.at("ref").get<std::string>(),
                      .system_metadata = object.at("system_metadata").get<image::SystemMetadata>()};
  if (const auto devices = object.find("block_devices"); devices != object.end()) devices->get_to(image.block_devices);
  image.root_device_name = object.value("root_device_name", "");
  return image;
}

}  // namespace

std::optional<InstanceImage> InstanceImage::read(const Path& directory, const std::string& suffix) {
  const Path file = directory / (kFileName + suffix);
  if (fs::symlink_status(file).type() != fs::regular_file) return std::nullopt;
  try {
    const std::optional<std::string> text = read_small_file(file);
    return text ? std::optional(image_in(json::parse(*text))) : std::nullopt;
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::busy) throw;
    return std::nullopt;  // larger than any that is written
  }
}

std::string InstanceImage::to_text() const {
  json object = {{"ref", ref}, {"system_metadata", system_metadata}};
  if (!block_devices.empty()) object["block_devices"] = block_devices;
  if (!root_device_name.empty()) object["root_device_name"] = root_device_name;
  return object.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

model::ImageMeta InstanceImage::meta() const {
  model::ImageMeta meta = image::image_meta_from(system_metadata);
  meta.properties.insert(block_devices.begin(), block_devices.end());
  if (!root_device_name.empty()) meta.properties["root_device_name"] = root_device_name;
  return meta;
}

ChosenImage choose_image(const model::InstanceSpec& spec, const Path& directory, bool has_root, bool is_on_volume,
                         cache::ImageCache& cache, OpContext& op) {
  ChosenImage chosen;
  if (has_root || is_on_volume) {
    if (const auto kept = InstanceImage::read(directory, spec.suffix)) {
      chosen.meta = kept->meta();
      return chosen;
    }
  }
  chosen.is_new = true;
  if (spec.image_meta) {
    chosen.meta = spec.image_meta;
    chosen.blame = ErrorCode::invalid_request;
  } else if (has_root && spec.image_ref) {
    chosen.meta = cache.remembered(*spec.image_ref);
  } else if (spec.image_ref && !is_on_volume) {
    chosen.known = cache.look_up({*spec.image_ref, spec.checksum, model::ImageUse::disk}, op);
    chosen.meta = chosen.known.meta;
    chosen.is_remembered = chosen.meta && !chosen.known.record;
  }
  return chosen;
}

void require_acceptable(ChosenImage& chosen, const model::InstanceSpec& spec, cache::ImageCache& cache, OpContext& op,
                        const std::function<void()>& accept) {
  try {
    return accept();
  } catch (const Error&) {
    if (!chosen.is_remembered) throw;
    cache::KnownImage now = cache.ask({*spec.image_ref, spec.checksum, model::ImageUse::disk}, op);
    if (!now.meta || now.meta == chosen.meta) throw;
    chosen.meta = now.meta;
    chosen.known = std::move(now);
  }
  accept();
}

}  // namespace basecache::provision
