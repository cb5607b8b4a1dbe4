#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "tools/basecache/session.hpp"

namespace basecache::cli {

// What is to be imported. What isn't said is the registry's choice.
struct ShelfImport {
  Path file;
  std::string name;
  std::string disk_format;  // in the image API's words
  std::string container_format = "bare";
  std::string id;
  std::string visibility;
  std::uint64_t min_disk = 0;  // GiB
  std::uint64_t min_ram = 0;   // MiB
  std::vector<std::string> tags;
  std::map<std::string, std::string> properties;
};

// Which images are listed. Empty: any.
struct ShelfFilter {
  std::string name, status, visibility;
  std::vector<std::string> tags;
  std::optional<std::uint64_t> limit;
};

// The images of one registry, as `basecache image` shows and changes them. Answers are JSON in the image API's words.
class ImageShelf {
 public:
  virtual ~ImageShelf() = default;

  virtual nlohmann::json import_image(const ShelfImport& import, OpContext& op) = 0;
  virtual nlohmann::json list(const ShelfFilter& filter, OpContext& op) = 0;  // {"images":[...],"damaged":[...]}
  virtual nlohmann::json show(const std::string& id, OpContext& op) = 0;
  virtual void remove(const std::string& id, OpContext& op) = 0;
};

// `registry`: "directory", "glance", or "" for the one this node uses. Error(invalid_request) for another word, or for
// a Glance that nobody has configured. `session` must outlive the shelf.
std::unique_ptr<ImageShelf> open_shelf(const std::string& registry, Session& session);

}  // namespace basecache::cli
