#include "agent/model/disk_format.hpp"

#include <array>
#include <utility>

namespace basecache::model {
namespace {

constexpr std::array<std::pair<std::string_view, DiskFormat>, 11> kFormatNames{{
    {"raw", DiskFormat::raw},
    {"qcow2", DiskFormat::qcow2},
    {"vmdk", DiskFormat::vmdk},
    {"vpc", DiskFormat::vpc},
    {"vhd", DiskFormat::vpc},
    {"vhdx", DiskFormat::vhdx},
    {"vdi", DiskFormat::vdi},
    {"iso", DiskFormat::raw},
    {"ami", DiskFormat::raw},
    {"aki", DiskFormat::raw},
    {"ari", DiskFormat::raw},
}};

}  // namespace

std::string_view qemu_name(DiskFormat format) {
  switch (format) {
    case DiskFormat::raw:
      return "raw";
    case DiskFormat::qcow2:
      return "qcow2";
    case DiskFormat::vmdk:
      return "vmdk";
    case DiskFormat::vpc:
      return "vpc";
    case DiskFormat::vhdx:
      return "vhdx";
    case DiskFormat::vdi:
      return "vdi";
  }
  return "";
}

std::optional<DiskFormat> disk_format_from(std::string_view name) {
  for (const auto& [known, format] : kFormatNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

std::string_view name_of(ImagesType type) {
  switch (type) {
    case ImagesType::raw:
      return "raw";
    case ImagesType::qcow2:
      return "qcow2";
    case ImagesType::lvm:
      return "lvm";
  }
  return "";
}

std::optional<ImagesType> images_type_from(std::string_view name) {
  if (name == "raw" || name == "flat") return ImagesType::raw;
  if (name == "qcow2") return ImagesType::qcow2;
  if (name == "lvm") return ImagesType::lvm;
  return std::nullopt;
}

}  // namespace basecache::model
