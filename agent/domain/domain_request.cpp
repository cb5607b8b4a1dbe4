#include "agent/domain/domain_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/metadata_namespaces.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::domain {
namespace {

using nlohmann::json;
using pugi::xml_node;

constexpr std::string_view kEphemeral = "disk.eph";

Error unreadable(const std::string& why) { return {ErrorCode::invalid_request, "the domain's description " + why}; }

std::string_view local_name(xml_node node) {
  const std::string_view name = node.name();
  return name.substr(name.find(':') + 1);  // npos + 1 is 0
}

// The namespace that the element is in, by the nearest declaration of its prefix.
std::string_view namespace_of(xml_node node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  std::string declaration = "xmlns";
  if (colon != std::string_view::npos) declaration += ":" + std::string(name.substr(0, colon));
  for (; node; node = node.parent()) {
    if (const auto declared = node.attribute(declaration.c_str())) return declared.value();
  }
  return "";
}

bool is_nova_namespace(std::string_view name) {
  return std::ranges::find(kNovaNamespaces, name) != kNovaNamespaces.end();
}

bool is_ours(xml_node node) { return local_name(node) == kInstanceElement && namespace_of(node) == kInstanceNamespace; }

// Of the children in the parent's own namespace, whatever prefix each has.
xml_node child_called(xml_node parent, std::string_view name) {
  return parent.find_child([name](xml_node child) { return local_name(child) == name; });
}

// Bytes that aren't UTF-8 become replacement characters.
std::string as_text(const json& request) { return request.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string whole_text(xml_node node) {
  std::string text;
  for (const xml_node part : node.children()) {
    if (part.type() == pugi::node_pcdata || part.type() == pugi::node_cdata) text += part.value();
  }
  return text;
}

std::optional<std::string> request_of_ours(xml_node element, const std::string& uuid) {
  const std::string text = whole_text(element);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
  json request = model::parse_json(text, "the domain's <basecache:instance>");
  if (!request.is_object()) throw unreadable("has a <basecache:instance> that isn't a JSON object");
  const auto named = request.find("uuid");
  if (named != request.end() && *named != uuid) {
    throw unreadable("asks for another instance than its own uuid " + uuid)
        .add_field("field", "uuid")
        .set_hint("leave the uuid of <basecache:instance> out");
  }
  request["uuid"] = uuid;
  return as_text(request);
}

// An instance of Nova's.
class NovaInstance {
 public:
  NovaInstance(xml_node domain, xml_node element, std::string uuid)
      : element_(element), flavor_(child_called(element, "flavor")), uuid_(std::move(uuid)) {
    for (const xml_node disk : domain.child("devices").children("disk")) add(disk);
  }

  DomainRequest request(std::string name) && {
    DomainRequest told{.origin = DomainOrigin::nova, .uuid = uuid_, .name = std::move(name)};
    const xml_node root = child_called(element_, "root");
    if (root && disks_.contains("disk")) told.request = as_text(creation(root));
    told.left_out = std::move(left_out_);
    return told;
  }

 private:
  // By the name that Nova gives it: <directory>/disk.swap, or /dev/<group>/<uuid>_disk.swap.
  void add(xml_node disk) {
    const xml_node source = disk.child("source");
    const std::string_view path =
        source.attribute("file") ? source.attribute("file").value() : source.attribute("dev").value();
    std::string_view name = path.substr(path.rfind('/') + 1);
    const std::string prefix = uuid_ + "_";
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    if (name.starts_with("disk")) disks_.emplace(name, disk);
  }

  json creation(xml_node root) {
    json request{{"uuid", uuid_}, {"image_ref", root.attribute("uuid").value()}, {"images_type", images_type()}};
    if (const std::string name = child_called(element_, "name").child_value(); !name.empty()) request["name"] = name;
    json flavor{{"root_gb", amount("disk")}};
    if (const auto memory = amount("memory"); memory > 0) flavor["memory_mb"] = memory;
    if (const auto vcpus = amount("vcpus"); vcpus > 0) flavor["vcpus"] = vcpus;
    if (const std::string name = flavor_.attribute("name").value(); !name.empty()) flavor["name"] = name;
    json devices{{"root_device_name", device_of("disk")}};
    add_ephemeral(flavor, devices);
    if (disks_.contains("disk.swap")) {
      devices["swap"] = {{"device_name", device_of("disk.swap")}, {"swap_size", amount("swap")}};
    }
    if (disks_.contains("disk.config")) left_out_.emplace_back("disk.config: what it says isn't in the description");
    request["flavor"] = std::move(flavor);
    request["block_device_info"] = std::move(devices);
    return request;
  }

  void add_ephemeral(json& flavor, json& devices) {
    const auto has = [](const auto& disk) { return disk.first.starts_with(kEphemeral); };
    const auto count = std::ranges::count_if(disks_, has);
    if (count == 0) {
      if (disks_.contains("disk.local")) flavor["ephemeral_gb"] = amount("ephemeral");
    } else if (count == 1) {
      const std::string name = std::ranges::find_if(disks_, has)->first;
      devices["ephemerals"] = json::array({{{"size", amount("ephemeral")}, {"device_name", device_of(name)}}});
    } else {
      left_out_.emplace_back("disk.eph*: there are several, and the description has only the sum of their sizes");
    }
  }

  std::string images_type() const {
    const xml_node root = disks_.find("disk")->second;
    if (root.child("source").attribute("dev")) return "lvm";
    return std::string_view(root.child("driver").attribute("type").value()) == "qcow2" ? "qcow2" : "raw";
  }

  std::string device_of(const std::string& name) const {
    return std::string("/dev/") + disks_.find(name)->second.child("target").attribute("dev").value();
  }

  std::uint64_t amount(const char* name) const {
    const std::string_view text = child_called(flavor_, name).child_value();
    const auto number = text.empty() ? std::optional<std::uint64_t>(0) : parse_unsigned(text);
    if (!number) throw unreadable(fmt::format("has a <nova:{}> that isn't a number: {}", name, quote(text, 40)));
    return *number;
  }

  xml_node element_;
  xml_node flavor_;
  std::string uuid_;
  std::map<std::string, xml_node> disks_;
  std::vector<std::string> left_out_;
};

}  // namespace

DomainRequest domain_request(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) throw unreadable(fmt::format("isn't XML: {} at byte {}", parsed.description(), parsed.offset));
  const xml_node domain = document.child("domain");
  if (!domain) throw unreadable("isn't that of a domain");
  const xml_node metadata = domain.child("metadata");
  const xml_node ours = metadata.find_child(is_ours);
  const xml_node nova = metadata.find_child(
      [](xml_node child) { return local_name(child) == "instance" && is_nova_namespace(namespace_of(child)); });
  if (!ours && !nova) return {};
  const auto elements = metadata.children();
  if (std::count_if(elements.begin(), elements.end(), is_ours) > 1) {
    throw unreadable("has more than one <basecache:instance>");
  }
  std::string uuid = lower_case(domain.child_value("uuid"));
  std::string name = domain.child_value("name");
  if (!is_uuid(uuid)) throw unreadable("has no uuid, or none that is one: " + quote(uuid, 80));
  if (!ours) return NovaInstance(domain, nova, std::move(uuid)).request(std::move(name));
  return {.origin = DomainOrigin::ours, .uuid = uuid, .name = std::move(name), .request = request_of_ours(ours, uuid)};
}

}  // namespace basecache::domain
