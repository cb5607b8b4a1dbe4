#include "backends/registry/directory_registry.hpp"

#include <fmt/format.h>

#include <boost/filesystem/operations.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "agent/base/stop_on_signal.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "backends/registry/steady_file.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/progress_bar.hpp"
#include "tools/basecache/table.hpp"

// The images of the directory registry. They are files of this node: no daemon is asked.
namespace basecache::cli {
namespace {

using nlohmann::json;

struct ImportOptions {
  std::string file, name, id;
  std::string disk_format;
};

registry::DirectoryRegistry registry_of(Session& session) {
  return registry::DirectoryRegistry(session.config().registry_directory);
}

// What a registry calls the format that was found.
std::string registry_word(model::DiskFormat format) {
  return format == model::DiskFormat::vpc ? "vhd" : std::string(model::qemu_name(format));
}

// The image's format by its bytes. An image that no creation would take is refused here already.
model::DiskFormat inspect(const Path& file, const std::string& declared, OpContext& op) {
  const registry::SteadyFile source = registry::SteadyFile::open(file);
  const auto inspection = inspect::FormatInspector().begin();
  Progress progress{.step = "inspect", .subject = file.filename().native(), .done = 0, .total = source.size().count};
  const auto feed = [&](std::span<const std::byte> block) {
    inspection->feed(block);
    progress.done += block.size();
    op.report(progress);
  };
  source.read_all(feed, op);
  return inspection->finish(declared.empty() ? std::nullopt : std::optional(declared)).format;
}

std::string image_text(const json& image) {
  return fmt::format("{}  {}  {}  {}\n", image["id"].get<std::string>(), image["disk_format"].get<std::string>(),
                     to_text(Bytes{image["size"].get<std::uint64_t>()}), image["name"].get<std::string>());
}

void import_image(const ImportOptions& options, Session& session) {
  const StopOnSignal signals;
  ProgressBar bar(!session.options.json);
  OpContext op("import", signals.token(), OpContext::Clock::time_point::max(),
               [&bar](const Progress& now) { bar.show(now); });
  registry::ImageImport import;
  import.file = boost::filesystem::absolute(options.file);
  import.name = options.name;
  if (!options.id.empty()) import.id = options.id;
  const model::DiskFormat found = inspect(import.file, options.disk_format, op);
  import.disk_format = options.disk_format.empty() ? registry_word(found) : options.disk_format;
  session.show(registry::to_json(registry_of(session).import_image(import, op)), image_text);
}

json list(Session& session) {
  const registry::ImageListing listing = registry_of(session).list();
  json answer = {{"images", json::array()}, {"damaged", json::array()}};
  for (const registry::StoredImage& image : listing.images) answer["images"].push_back(registry::to_json(image));
  for (const auto& damaged : listing.damaged) answer["damaged"].push_back({{"id", damaged.id}, {"why", damaged.why}});
  return answer;
}

std::string list_text(const json& answer) {
  Table table({"ID", "NAME", "FORMAT", "SIZE"});
  for (const json& image : answer["images"]) {
    table.add({image["id"], image["name"], image["disk_format"], to_text(Bytes{image["size"].get<std::uint64_t>()})});
  }
  std::string text = table.text();
  for (const json& damaged : answer["damaged"]) {
    text += fmt::format("damaged: {}: {}\n", damaged["id"].get<std::string>(), damaged["why"].get<std::string>());
  }
  return text;
}

void remove(const std::string& id, Session& session) {
  OpContext op("remove", std::stop_token(), OpContext::Clock::time_point::max());
  registry_of(session).remove(id, op);
  session.show({{"id", id}, {"removed", true}},
               [](const json& answer) { return "removed image " + answer["id"].get<std::string>() + "\n"; });
}

std::shared_ptr<std::string> add_id(Command& command) {
  auto id = std::make_shared<std::string>();
  command.argument("id", *id, "UUID of the image");
  return id;
}

}  // namespace

void add_image(Command root, Session& session) {
  Command image = root.group("image", "the images of the directory registry");
  Command command = image.command("import", "take an image file into the registry");
  const auto options = std::make_shared<ImportOptions>();
  command.argument("file", options->file, "the image");
  command.option("--name", options->name, "its name (default: the file's)");
  command.option("--disk-format", options->disk_format, "what it is said to be (default: what it is)");
  command.option("--id", options->id, "its UUID (default: a new one)");
  command.action([options, &session] { import_image(*options, session); });

  image.command("list", "list the images").action([&session] { session.show(list(session), list_text); });

  Command show = image.command("show", "show one image");
  const auto shown = add_id(show);
  show.action([shown, &session] {
    session.show(registry::to_json(registry_of(session).show(*shown)),
                 [](const json& answer) { return json_text(answer) + "\n"; });
  });
  Command removal = image.command("remove", "remove an image from the registry; base files made of it stay");
  const auto removed = add_id(removal);
  removal.action([removed, &session] { remove(*removed, session); });
}

}  // namespace basecache::cli
