#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "tools/basecache/attended.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/file_inspection.hpp"
#include "tools/basecache/image_shelf.hpp"
#include "tools/basecache/table.hpp"
#include "tools/basecache/terminal_text.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

// What a registry calls what was found.
std::string registry_word(const std::string& format) { return format == "vpc" ? "vhd" : format; }

std::string size_text(const json& image) {
  return image["size"].is_number() ? to_text(Bytes{image["size"].get<std::uint64_t>()}) : "-";
}

// A directory's images are all active, and say nothing of it.
std::string status_of(const json& image) { return image.value("status", "active"); }

std::string word(const json& image, const char* name) {
  return image.contains(name) && image[name].is_string() ? image[name].get<std::string>() : "-";
}

std::string image_text(const json& image) {
  return one_line(fmt::format("{}  {}  {}  {}", word(image, "id"), word(image, "disk_format"), size_text(image),
                              word(image, "name"))) +
         "\n";
}

std::string list_text(const json& answer) {
  Table table({"ID", "NAME", "STATUS", "FORMAT", "SIZE"});
  for (const json& image : answer["images"]) {
    table.add({image["id"], word(image, "name"), status_of(image), word(image, "disk_format"), size_text(image)});
  }
  std::string text = table.text();
  for (const json& damaged : answer["damaged"]) {
    const auto id = damaged["id"].get<std::string>();
    text += one_line(fmt::format("damaged: {}: {}", id.empty() ? "(no id)" : id, damaged["why"].get<std::string>()));
    text += '\n';
  }
  return text;
}

struct ImportOptions {
  std::string registry, file;
  ShelfImport import;
  std::vector<std::string> properties;  // NAME=VALUE
  std::optional<std::uint64_t> min_disk, min_ram;
};

// The image API speaks UTF-8 only.
void require_utf8(const std::string& option, const std::string& text) {
  try {
    (void)json(text).dump();
  } catch (const json::type_error&) {
    throw Error(ErrorCode::invalid_request, option + " " + quote(text) + " isn't text in UTF-8")
        .set_hint("write it in UTF-8, as a registry keeps it");
  }
}

void require_utf8(const ImportOptions& options) {
  require_utf8("--name", options.import.name);
  for (const std::string& tag : options.import.tags) require_utf8("--tag", tag);
  for (const std::string& property : options.properties) require_utf8("--property", property);
}

std::map<std::string, std::string> parse_properties(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> properties;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw Error(ErrorCode::invalid_request, "--property " + quote(text) + " isn't NAME=VALUE");
    }
    properties[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return properties;
}

// What isn't a UUID might be another path of the registry.
void require_uuid(const std::string& id, const char* hint) {
  if (is_uuid(lower_case(id))) return;
  throw Error(ErrorCode::invalid_request, quote(id, 80) + " is not the UUID of an image").set_hint(hint);
}

void import_image(const ImportOptions& options, Session& session) {
  require_utf8(options);
  if (!options.import.id.empty()) require_uuid(options.import.id, "leave --id out for a new one");
  ShelfImport import = options.import;
  import.file = image_file(options.file);
  import.properties = parse_properties(options.properties);
  import.min_disk = options.min_disk.value_or(0);
  import.min_ram = options.min_ram.value_or(0);
  const auto shelf = open_shelf(options.registry, session);
  const Bytes largest_disk = session.config().max_virtual_size;
  session.show(attended(session, "image",
                        [&](OpContext& op) {
                          const auto report = inspect_file(import.file, import.disk_format, largest_disk, op);
                          (void)report.require_safe();  // what no creation would take is refused here already
                          if (import.disk_format.empty()) import.disk_format = registry_word(report.format);
                          return shelf->import_image(import, op);
                        }),
               image_text);
}

void add_registry(Command& command, std::string& registry) {
  command.option("--registry", registry, "directory or glance (default: the one this node uses)");
}

void add_import(Command image, Session& session) {
  Command command = image.command("import", "take an image file into the registry");
  const auto options = std::make_shared<ImportOptions>();
  command.argument("file", options->file, "the image");
  add_registry(command, options->registry);
  command.option("--name", options->import.name, "its name (default: the file's)");
  command.option("--disk-format", options->import.disk_format, "what it is said to be (default: what it is)");
  command.option("--container-format", options->import.container_format, "what it is wrapped in (default: bare)");
  command.option("--id", options->import.id, "its UUID (default: a new one)");
  command.option("--min-disk", options->min_disk, "smallest root disk for it, GiB");
  command.option("--min-ram", options->min_ram, "smallest memory for it, MiB");
  command.option("--visibility", options->import.visibility, "public, private, shared or community (glance)");
  command.options("--tag", options->import.tags, "a tag (glance)");
  command.options("--property", options->properties, "a property, NAME=VALUE");
  command.action([options, &session] { import_image(*options, session); });
}

void add_list(Command image, Session& session) {
  struct Options {
    std::string registry;
    ShelfFilter filter;
  };
  Command command = image.command("list", "list the images");
  const auto options = std::make_shared<Options>();
  add_registry(command, options->registry);
  command.option("--name", options->filter.name, "only those of this name");
  command.option("--status", options->filter.status, "only those of this status (glance)");
  command.option("--visibility", options->filter.visibility, "only those so visible (glance)");
  command.options("--tag", options->filter.tags, "only those with this tag (glance)");
  command.option("--limit", options->filter.limit, "at most so many");
  command.action([options, &session] {
    const auto shelf = open_shelf(options->registry, session);
    session.show(attended(session, "image", [&](OpContext& op) { return shelf->list(options->filter, op); }),
                 list_text);
  });
}

struct NamedImage {
  std::string registry, id;
};

std::shared_ptr<NamedImage> add_named(Command& command) {
  auto named = std::make_shared<NamedImage>();
  command.argument("id", named->id, "UUID of the image");
  add_registry(command, named->registry);
  return named;
}

void add_show_image(Command image, Session& session) {
  Command command = image.command("show", "show one image");
  const auto named = add_named(command);
  command.action([named, &session] {
    require_uuid(named->id, "'basecache image list' shows them");
    const auto shelf = open_shelf(named->registry, session);
    session.show(attended(session, "image", [&](OpContext& op) { return shelf->show(named->id, op); }),
                 [](const json& answer) { return json_text(answer) + "\n"; });
  });
}

void add_delete_image(Command image, Session& session) {
  Command command = image.command("delete", "delete an image of the registry; base files made of it stay");
  const auto named = add_named(command);
  command.action([named, &session] {
    require_uuid(named->id, "'basecache image list' shows them");
    const auto shelf = open_shelf(named->registry, session);
    attended(session, "image", [&](OpContext& op) { shelf->remove(named->id, op); });
    session.show({{"id", named->id}, {"deleted", true}},
                 [](const json& answer) { return "deleted image " + answer["id"].get<std::string>() + "\n"; });
  });
}

}  // namespace

void add_image(Command root, Session& session) {
  const Command image = root.group("image", "the images of a registry: this node's directory, or Glance");
  add_import(image, session);
  add_list(image, session);
  add_show_image(image, session);
  add_delete_image(image, session);
}

}  // namespace basecache::cli
