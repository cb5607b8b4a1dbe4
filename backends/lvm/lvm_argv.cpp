#include "backends/lvm/lvm_argv.hpp"

#include <fmt/format.h>

namespace basecache::lvm {
namespace {

// dm-snapshot (Linux, Documentation/admin-guide/device-mapper/snapshot.rst): chunks of 4 KiB unless told otherwise.
constexpr std::uint64_t kChunk = 4096;
constexpr std::uint64_t kEntry = 16;

// LVM refuses sizes that aren't of whole sectors, before it rounds them up to whole extents.
std::string in_bytes(Bytes size) {
  constexpr std::uint64_t sector = 512;
  return fmt::format("{}b", (size.count + sector - 1) / sector * sector);
}

std::string place_of(const std::string& group, const std::string& volume) { return group + "/" + volume; }

Argv report_argv(std::string verb, std::string columns, const std::string& group) {
  return {"lvm",        std::move(verb), "--reportformat",   "json", "--units", "b",
          "--nosuffix", "--options",     std::move(columns), group};
}

Argv create_argv(const std::string& volume, Argv how, const std::string& group) {
  Argv argv{"lvm", "lvcreate", "--yes", "--name", volume};
  argv.insert(argv.end(), how.begin(), how.end());
  argv.push_back(group);
  return argv;
}

}  // namespace

Bytes store_size(Bytes data) {
  const std::uint64_t chunks = (data.count + kChunk - 1) / kChunk;
  return kLeastStore + Bytes{chunks * (kChunk + kEntry)};
}

Argv group_report_argv(const std::string& group) { return report_argv("vgs", "vg_free,vg_extent_size", group); }

Argv volume_report_argv(const std::string& group) {
  return report_argv("lvs", "lv_name,lv_path,lv_attr,lv_size,origin,origin_size,data_percent,lv_tags", group);
}

Argv create_linear_argv(const std::string& group, const std::string& volume, Bytes size) {
  return create_argv(volume, {"--wipesignatures", "n", "--type", "linear", "--size", in_bytes(size)}, group);
}

Argv create_sparse_argv(const std::string& group, const std::string& volume, Bytes size, Bytes store) {
  return create_argv(volume, {"--type", "snapshot", "--size", in_bytes(store), "--virtualsize", in_bytes(size)}, group);
}

Argv create_thin_argv(const std::string& group, const std::string& volume, Bytes size, const std::string& pool) {
  return create_argv(
      volume, {"--wipesignatures", "n", "--type", "thin", "--virtualsize", in_bytes(size), "--thinpool", pool}, group);
}

Argv rename_argv(const std::string& group, const std::string& from, const std::string& to) {
  return {"lvm", "lvrename", "--yes", group, from, to};
}

Argv extend_argv(const std::string& group, const std::string& volume, Bytes size) {
  return {"lvm", "lvextend", "--yes", "--size", in_bytes(size), place_of(group, volume)};
}

Argv remove_argv(const std::string& group, const std::string& volume) {
  return {"lvm", "lvremove", "--yes", "--force", place_of(group, volume)};
}

Argv activate_argv(const std::string& group, const std::string& volume) {
  return {"lvm", "lvchange", "--yes", "--activate", "y", "--ignoreactivationskip", place_of(group, volume)};
}

Argv add_tag_argv(const std::string& group, const std::string& volume, const std::string& tag) {
  return {"lvm", "lvchange", "--yes", "--addtag", tag, place_of(group, volume)};
}

Argv remove_tag_argv(const std::string& group, const std::string& volume, const std::string& tag) {
  return {"lvm", "lvchange", "--yes", "--deltag", tag, place_of(group, volume)};
}

}  // namespace basecache::lvm
