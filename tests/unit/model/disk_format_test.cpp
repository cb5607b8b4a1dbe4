#include "agent/model/disk_format.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace basecache::model;

TEST_CASE("a declared disk format becomes one of ours, in QEMU's and in Glance's words") {
  const std::pair<const char*, DiskFormat> rows[] = {
      {"raw", DiskFormat::raw}, {"qcow2", DiskFormat::qcow2}, {"vmdk", DiskFormat::vmdk}, {"vpc", DiskFormat::vpc},
      {"vhd", DiskFormat::vpc}, {"vhdx", DiskFormat::vhdx},   {"vdi", DiskFormat::vdi},   {"iso", DiskFormat::raw},
      {"ami", DiskFormat::raw}, {"aki", DiskFormat::raw},     {"ari", DiskFormat::raw},
  };
  for (const auto& row : rows) {
    const auto& word = row.first;
    const auto& format = row.second;
    CAPTURE(word);
    CHECK(disk_format_from(word) == format);
  }
}

TEST_CASE("a word that is no format we read stays unknown") {
  for (const std::string word : {"", "RAW", "Qcow2", "qcow", "qed", "ploop", "luks", "raw ", "raw,driver=qcow2"}) {
    CAPTURE(word);
    CHECK_FALSE(disk_format_from(word).has_value());
  }
}

TEST_CASE("each format's name for QEMU leads back to the format") {
  for (const DiskFormat format :
       {DiskFormat::raw, DiskFormat::qcow2, DiskFormat::vmdk, DiskFormat::vpc, DiskFormat::vhdx, DiskFormat::vdi}) {
    CAPTURE(qemu_name(format));
    CHECK(disk_format_from(qemu_name(format)) == format);
  }
  CHECK(qemu_name(DiskFormat::vpc) == "vpc");  // QEMU doesn't know "vhd"
}

TEST_CASE("images_type takes raw, its other name flat, qcow2 and lvm") {
  CHECK(images_type_from("raw") == ImagesType::raw);
  CHECK(images_type_from("flat") == ImagesType::raw);
  CHECK(images_type_from("qcow2") == ImagesType::qcow2);
  CHECK(images_type_from("lvm") == ImagesType::lvm);
  CHECK(name_of(ImagesType::raw) == "raw");
  CHECK(name_of(ImagesType::qcow2) == "qcow2");
  CHECK(name_of(ImagesType::lvm) == "lvm");
}

TEST_CASE("images_type refuses backends that we don't have, and 'default', which the configuration resolves") {
  for (const std::string word : {"", "default", "LVM", "rbd", "ploop", "QCOW2"}) {
    CAPTURE(word);
    CHECK_FALSE(images_type_from(word).has_value());
  }
}
