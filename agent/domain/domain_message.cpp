#include "agent/domain/domain_message.hpp"

#include <nlohmann/json.hpp>
#include <vector>

#include "agent/model/checked_fields.hpp"

namespace basecache::domain {
namespace {

using nlohmann::json;

// As long as the kernel lets a path be; libvirt has no limit for names, but a file's name of its own is made of them.
constexpr std::size_t kLongestPath = 4096;
constexpr std::size_t kLongestWord = 1024;

DomainFile file_from_json(const json& value, const std::string& path) {
  model::JsonFields fields(value, path);
  DomainFile file;
  file.path = fields.required_text("path", kLongestPath);
  if (!file.path.is_absolute()) throw model::bad_field(fields.path_of("path"), "is not an absolute path");
  file.format = fields.text("format", kLongestWord).value_or("");
  file.role = fields.text("role", kLongestWord).value_or("");
  fields.finish();
  return file;
}

}  // namespace

json to_json(const KnownDomain& domain) {
  json files = json::array();
  for (const DomainFile& file : domain.files) {
    files.push_back({{"path", file.path.native()}, {"format", file.format}, {"role", file.role}});
  }
  return {{"name", domain.name}, {"files", std::move(files)}};
}

KnownDomain read_domain(const std::string& uuid, model::JsonFields& message) {
  KnownDomain domain{.uuid = uuid, .name = message.text("name", kLongestWord).value_or(""), .files = {}};
  domain.files = model::read_list(message, "files", kMostFiles, file_from_json);
  return domain;
}

}  // namespace basecache::domain
