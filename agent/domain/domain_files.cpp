#include "agent/domain/domain_files.hpp"

#include <fmt/format.h>

#include <array>
#include <pugixml.hpp>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::domain {
namespace {

using pugi::xml_node;

// As many as QEMU opens.
constexpr int kLongestChain = 200;

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorCode::storage_unusable, fmt::format("libvirt's description of a domain isn't understood: {}", why));
}

// Collects the files of one description.
class FileList {
 public:
  explicit FileList(const VolumePath& path_of_volume) : path_of_volume_(path_of_volume) {}

  std::vector<DomainFile> take() { return std::move(files_); }

  // `within`: what the domain is a part of, " of snapshot 'before'".
  void add_domain(xml_node domain, const std::string& within) {
    within_ = within;
    add_boot_files(domain.child("os"));
    const xml_node devices = domain.child("devices");
    for (const xml_node disk : devices.children("disk")) add_disk(disk, disk.child("target").attribute("dev").value());
    for (const xml_node file_system : devices.children("filesystem")) {
      add_source(file_system, file_system.child("driver").attribute("format").value(),
                 fmt::format("file system {}", quote(file_system.child("target").attribute("dir").value(), 80)));
    }
    for (const xml_node memory : devices.children("memory")) {
      add(memory.child("source").child_value("path"), "raw", "memory device");
    }
  }

  // Of a snapshot: the disks that it made, or would make again.
  void add_snapshot(xml_node snapshot, const std::string& within) {
    within_ = within;
    for (const char* list : {"disks", "revertDisks"}) {
      for (const xml_node disk : snapshot.child(list).children("disk")) add_disk(disk, disk.attribute("name").value());
    }
    add(snapshot.child("memory").attribute("file").value(), "raw", "memory");
  }

 private:
  void add(const std::string& path, const std::string& format, const std::string& role) {
    if (path.empty()) return;
    if (path.front() != '/') refuse(quote(path) + " is not an absolute path");
    files_.push_back({.path = path, .format = format, .role = role + within_});
  }

  void add_disk(xml_node disk, const std::string& device) {
    const std::string name = "disk " + quote_unless_plain(device, 80);
    add_chain(disk, disk.child("driver").attribute("type").value(), name);
    const xml_node mirror = disk.child("mirror");
    const std::string mirror_format = mirror.attribute("format").value();  // of libvirt before 1.2.6, with its file
    add(mirror.attribute("file").value(), mirror_format, "mirror of " + name);
    add_chain(mirror, mirror.child("format").attribute("type").value(), "mirror of " + name);
  }

  void add_chain(xml_node node, std::string format, const std::string& role) {
    for (int depth = 0; node; ++depth) {
      if (depth > kLongestChain) refuse(role + " has more than 200 backing files");
      add_source(node, format, role);
      const xml_node data = node.child("source").child("dataStore");
      add_source(data, data.child("format").attribute("type").value(), "data file of " + role);
      node = node.child("backingStore");
      format = node.child("format").attribute("type").value();
    }
  }

  // <source> of what has a type; without one only old libvirts wrote it.
  void add_source(xml_node node, const std::string& format, const std::string& role) {
    const xml_node source = node.child("source");
    add(source.attribute("file").value(), format, role);
    const std::string type = node.attribute("type").value();
    if (type == "block" || type.empty()) add(source.attribute("dev").value(), format, role);
    if (type != "volume" || !path_of_volume_) return;
    const Path volume = path_of_volume_(source.attribute("pool").value(), source.attribute("volume").value());
    add(volume.native(), format, role);
  }

  void add_boot_files(xml_node os) {
    constexpr std::array<const char*, 4> kLoaded{"kernel", "initrd", "dtb", "shim"};
    for (const char* name : kLoaded) add(os.child_value(name), "raw", name);
    add_firmware(os.child("loader"), "firmware");
    const xml_node variables = os.child("nvram");
    add_firmware(variables, "firmware's variables");
    add_source(variables, format_of(variables), "firmware's variables");
    add(variables.attribute("template").value(), template_format(variables), "template of the firmware's variables");
  }

  void add_firmware(xml_node firmware, const std::string& role) {
    const std::string_view text = firmware.child_value();  // beside <source> there is only white space
    if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) add(std::string(text), format_of(firmware), role);
  }

  static std::string format_of(xml_node firmware) { return firmware.attribute("format").as_string("raw"); }
  static std::string template_format(xml_node variables) {
    return variables.attribute("templateFormat").as_string(format_of(variables).c_str());
  }

  const VolumePath& path_of_volume_;
  std::string within_;
  std::vector<DomainFile> files_;
};

KnownDomain named_as(xml_node domain) {
  return {.uuid = lower_case(domain.child_value("uuid")), .name = domain.child_value("name")};
}

// Of a snapshot or checkpoint, which hold the domain as it was.
KnownDomain domain_within(xml_node outer, std::string_view kind, FileList& files) {
  const std::string within = fmt::format(" of {} {}", kind, quote(outer.child_value("name"), 80));
  files.add_snapshot(outer, within);
  KnownDomain known = named_as(outer.child("domain"));
  for (const char* state : {"domain", "inactiveDomain"}) files.add_domain(outer.child(state), within);
  return known;
}

}  // namespace

KnownDomain known_domain(std::string_view xml, const VolumePath& path_of_volume) {
  if (xml.size() > kLongestDescription.count) refuse("it is longer than 32 MiB");
  pugi::xml_document document;
  if (const auto parsed = document.load_buffer(xml.data(), xml.size()); !parsed) refuse(parsed.description());
  const xml_node root = document.document_element();
  const std::string_view kind = root.name();
  FileList files(path_of_volume);
  KnownDomain known;
  if (kind == "domain") {
    known = named_as(root);
    files.add_domain(root, "");
  } else if (kind == "domainsnapshot") {
    known = domain_within(root, "snapshot", files);
  } else if (kind == "domaincheckpoint") {
    known = domain_within(root, "checkpoint", files);
  } else {
    refuse("it is a <" + quote_unless_plain(kind, 40) + ">");
  }
  known.files = files.take();
  return known;
}

}  // namespace basecache::domain
