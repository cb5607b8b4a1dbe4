#include "tools/basecache/image_shelf.hpp"

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/composition_settings.hpp"
#include "backends/glance/glance_v1.hpp"
#include "backends/glance/image_catalog.hpp"
#include "backends/glance/image_editor.hpp"
#include "backends/glance/image_service.hpp"
#include "backends/glance/image_uploader.hpp"
#include "backends/http/http_client.hpp"
#include "backends/http/http_library.hpp"
#include "backends/registry/directory_registry.hpp"
#include "tools/basecache/image_service_settings.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

// The images of the embedded registry. They are files of this node: no daemon is asked.
class DirectoryShelf : public ImageShelf {
 public:
  explicit DirectoryShelf(Path directory) : registry_(std::move(directory)) {}

  json import_image(const ShelfImport& import, OpContext& op) override {
    if (!import.visibility.empty() || !import.tags.empty()) {
      throw Error(ErrorCode::invalid_request, "images of the directory registry have no visibility and no tags")
          .set_hint("--registry glance has both");
    }
    registry::ImageImport made;
    made.file = import.file;
    made.name = import.name;
    made.disk_format = import.disk_format;
    made.container_format = import.container_format;
    made.min_disk = import.min_disk;
    made.min_ram = import.min_ram;
    made.properties = import.properties;
    if (!import.id.empty()) made.id = import.id;
    return registry::to_json(registry_.import_image(made, op));
  }

  json list(const ShelfFilter& filter, OpContext&) override {
    if (!filter.status.empty() || !filter.visibility.empty() || !filter.tags.empty()) {
      throw Error(ErrorCode::invalid_request, "images of the directory registry have no status, visibility or tags")
          .set_hint("list them by --name and --limit");
    }
    const registry::ImageListing listing = registry_.list();
    json answer = {{"images", json::array()}, {"damaged", json::array()}};
    for (const registry::StoredImage& image : listing.images) {
      if (filter.limit && answer["images"].size() >= *filter.limit) break;
      if (filter.name.empty() || filter.name == image.name) answer["images"].push_back(registry::to_json(image));
    }
    for (const auto& damaged : listing.damaged) answer["damaged"].push_back({{"id", damaged.id}, {"why", damaged.why}});
    return answer;
  }

  json show(const std::string& id, OpContext&) override { return registry::to_json(registry_.show(id)); }
  void remove(const std::string& id, OpContext& op) override { registry_.remove(id, op); }

 private:
  registry::DirectoryRegistry registry_;
};

// The images of a Glance.
class GlanceShelf : public ImageShelf {
 public:
  GlanceShelf(const Config& config, const glance::ImageServiceSettings& settings)
      : http_(library_, http_settings(config)), service_(http_, settings), retry_(http_settings(config).retry) {}

  json import_image(const ShelfImport& import, OpContext& op) override {
    const glance::NewImage made{.id = import.id,
                                .name = import.name.empty() ? import.file.filename().native() : import.name,
                                .disk_format = import.disk_format,
                                .container_format = import.container_format,
                                .visibility = import.visibility,
                                .min_disk = import.min_disk,
                                .min_ram = import.min_ram,
                                .tags = import.tags,
                                .properties = import.properties};
    glance::HashedUpload body(import.file, made.name, op);
    return glance::to_json(glance::ImageUploader(client(), retry_).import_image(made, body, op));
  }

  json list(const ShelfFilter& filter, OpContext& op) override {
    glance::ImageFilter wanted;
    wanted.name = filter.name;
    wanted.status = filter.status;
    wanted.visibility = filter.visibility;
    wanted.tags = filter.tags;
    if (filter.limit) wanted.limit = *filter.limit;
    json answer = {{"images", json::array()}, {"damaged", json::array()}};
    const glance::ImageList found = glance::ImageCatalog(client()).list(wanted, op);
    for (const auto& image : found.images) answer["images"].push_back(glance::to_json(image));
    for (const auto& damaged : found.damaged) answer["damaged"].push_back({{"id", damaged.id}, {"why", damaged.why}});
    return answer;
  }

  json show(const std::string& id, OpContext& op) override {
    return glance::to_json(glance::ImageCatalog(client()).show(id, op));
  }
  void remove(const std::string& id, OpContext& op) override { glance::ImageEditor(client()).remove(id, op); }

 protected:
  glance::GlanceClient& client() { return service_.client(); }

 private:
  http::HttpLibrary library_;
  http::HttpClient http_;
  glance::ImageService service_;
  http::RetryParameters retry_;
};

// The images of a Glance that speaks version 1 only.
class GlanceV1Shelf : public GlanceShelf {
 public:
  GlanceV1Shelf(const Config& config, const glance::ImageServiceSettings& settings)
      : GlanceShelf(config, settings), images_(client(), settings.client.trusted_servers) {}

  json import_image(const ShelfImport&, OpContext&) override { refuse("import an image"); }
  json list(const ShelfFilter&, OpContext&) override { refuse("list images"); }
  json show(const std::string& id, OpContext& op) override { return glance::to_json(images_.show(id, op)); }
  void remove(const std::string&, OpContext&) override { refuse("delete an image"); }

 private:
  [[noreturn]] static void refuse(const std::string& doing) {
    throw Error(ErrorCode::invalid_request,
                "cannot " + doing + ": [glance] api_version is 1, which is for reading only")
        .set_hint("images can be shown and fetched by their UUID");
  }

  glance::GlanceV1 images_;
};

RegistryChoice parse_choice(const std::string& registry, const Config& config) {
  if (registry.empty()) return config.registry;
  if (registry == "directory") return RegistryChoice::directory;
  if (registry == "glance") return RegistryChoice::glance;
  throw Error(ErrorCode::invalid_request, "--registry " + quote(registry) + " is neither directory nor glance");
}

Error no_image_service() {
  return Error(ErrorCode::invalid_request, "no image service is configured")
      .set_hint("set OS_CLOUD or OS_AUTH_URL and its like, or [glance] and [keystone_authtoken] in the configuration");
}

std::unique_ptr<ImageShelf> glance_shelf(const Config& config, const glance::ImageServiceSettings& settings) {
  if (config.glance.api_version == 1) return std::make_unique<GlanceV1Shelf>(config, settings);
  return std::make_unique<GlanceShelf>(config, settings);
}

}  // namespace

std::unique_ptr<ImageShelf> open_shelf(const std::string& registry, Session& session) {
  const Config& config = session.config();
  const RegistryChoice choice = parse_choice(registry, config);
  if (choice != RegistryChoice::directory) {
    const glance::ImageServiceSettings settings = image_service_settings_here(config);
    if (settings.is_configured()) return glance_shelf(config, settings);
    if (choice == RegistryChoice::glance) throw no_image_service();
  }
  return std::make_unique<DirectoryShelf>(config.registry_directory);
}

}  // namespace basecache::cli
