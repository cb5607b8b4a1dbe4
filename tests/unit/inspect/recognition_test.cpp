#include <doctest/doctest.h>

#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

using namespace std::string_literals;

constexpr std::array<std::size_t, 4> kBlocks{1, 7, 512, 65'536};

std::string padded(std::string content, std::size_t size = 4096) {
  content.resize(size, '\0');
  return content;
}

std::string partitioned() {
  std::string disk = padded("", 65'536);
  disk = patched(disk, 446, "\x80\1\1\0\x83\1\1\1"s + little_endian(1, 4) + little_endian(100, 4));
  return patched(disk, 510, "\x55\xaa");
}

// FAT12's boot sector: 512 bytes a sector, 2 tables, media f0.
std::string fat() {
  std::string disk = padded("\xeb\x3c\x90MSDOS5.0\0\2\1\1\0\2\xe0\0\x40\x0b\xf0"s, 65'536);
  return patched(disk, 510, "\x55\xaa");
}

TEST_CASE("bytes that no rule recognises are raw, and so are disks with partitions and file systems") {
  const std::string ext4 = patched(padded("", 65'536), 1080, "\x53\xef");
  const std::string ntfs = patched(padded("\xeb\x52\x90NTFS    ", 65'536), 510, "\x55\xaa");
  const std::string kernel = patched(padded("MZ\xea\7"s, 65'536), 510, "\x55\xaa\xeb\x6aHdrS");
  for (const std::string& disk : {padded("x", 65'536), ext4, fat(), ntfs, kernel, partitioned()}) {
    for (const std::size_t block : kBlocks) CHECK(outcome(disk, block) == "raw 65536");
  }
  CHECK(outcome("x") == "raw 1");
  CHECK(outcome("plain text\n") == "raw 11");
}

TEST_CASE("an optical disc is an iso, with partitions for a stick too") {
  const std::string iso = patched(padded("", 65'536), 32'769, "CD001");
  const std::string udf = patched(padded("", 65'536), 32'769, "BEA01");
  const std::string bridge = patched(patched(iso, 34'817, "CD001"), 36'865, "NSR02");
  const std::string hybrid = patched(iso, 0, partitioned().substr(0, 512));
  for (const std::string& disc : {iso, udf, bridge, hybrid, patched(hybrid, 446, "\1"s)}) {
    for (const std::size_t block : kBlocks) CHECK(outcome(disc, block) == "iso 65536");
  }
}

TEST_CASE("a file that ends inside a known beginning is refused, never raw") {
  for (const std::string& beginning :
       {"QFI"s, "QE"s, "KDM"s, "conect"s, "vhdx"s, "LUKS"s, "Without"s, "Bochs Virtual"s, "# Disk Des"s, "COW"s}) {
    for (const std::size_t block : kBlocks) {
      CHECK_MESSAGE(outcome(beginning, block).starts_with("cannot take the image: "), beginning);
    }
  }
}

TEST_CASE("a partition table that can't be meant is refused, saying all that is wrong with it") {
  const auto said = [](const std::string& what) {
    return "cannot take the image: its partition table can't be meant: " + what;
  };
  const std::string disk = partitioned();
  const std::string protective = patched(disk, 446, "\0\0\2\0\xee\xff\xff\xff\1\0\0\0"s);
  CHECK(outcome(protective) == "raw 65536");
  CHECK(outcome(patched(protective, 512, "EFI PART")) == "raw 65536");
  CHECK(outcome(patched(disk, 446, "\1")) == said("partition 1 has the boot flag 0x01"));
  CHECK(outcome(patched(disk, 450, "\0"s)) == said("it has no partition"));
  CHECK(outcome(patched(disk, 466, "\xee")) == said("the protective partition isn't the first"));
  CHECK(outcome(patched(protective, 466, "\x83")) == said("the protective partition isn't the only one"));
  CHECK(outcome(patched(protective, 454, "\2")) == said("the protective partition doesn't begin at the second block"));
  CHECK(outcome(patched(patched(protective, 462, "\x7f"), 466, "\x83")) ==
        said("partition 2 has the boot flag 0x7f") +
            "; its partition table can't be meant: the protective partition isn't the only one");
}

TEST_CASE("an empty image is refused") { CHECK(outcome("") == "cannot take the image: it is empty (zero bytes)"); }

TEST_CASE("what isn't an image is refused by its name") {
  const std::string page = "a web page or an XML text, not an image";
  const std::vector<std::pair<std::string, std::string>> rows{
      {"LUKS\xba\xbe\0\1"s, "a LUKS encrypted image"},
      {"LUKS\xba\xbe\0\2"s, "a LUKS encrypted image"},
      {"QFI\xfb\0\0\0\1"s, "a qcow image of version 1"},
      {"QED\0"s, "a QED image"},
      {"WithoutFreeSpace", "a Parallels image"},
      {"WithouFreSpacExt", "a Parallels image"},
      {"Bochs Virtual HD Image", "a Bochs image"},
      {"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0", "a cloop image"},
      {"\xfd"
       "7zXZ\0"s,
       "an xz-compressed file"},
      {"\x1f\x8b\x08\0"s, "a gzip-compressed file"},
      {"BZh9", "a bzip2-compressed file"},
      {"\x28\xb5\x2f\xfd", "a zstd-compressed file"},
      {"\x04\x22\x4d\x18", "an lz4-compressed file"},
      {"PK\3\4", "a zip archive"},
      {padded("disk.ovf", 257) + "ustar", "a tar archive (an OVA is one)"},
      {padded("") + padded("koly\0\0\0\4"s, 512), "an Apple disk image (dmg)"},
      {"<!DOCTYPE html>\n<html>", page},
      {"\n\n  <HTML><head>", page},
      {"\xef\xbb\xbf<html lang=\"en\">", page},
      {"<?xml version=\"1.0\"?><Error/>", page},
      {"# Disk DescriptorFile\nversion=1\n", "a VMDK descriptor, a text that names the files holding the disk"},
      {"# comment\n\n  \nversion=2\n", "a VMDK descriptor, a text that names the files holding the disk"},
      {"version=3\ncreateType=\"vmfs\"\n", "a VMDK descriptor, a text that names the files holding the disk"},
      {"COWD", "an ESX copy-on-write VMDK (COWD), which has a parent image"},
  };
  for (const auto& [content, found] : rows) {
    for (const std::size_t block : kBlocks) CHECK(outcome(content, block) == "cannot take the image: it is " + found);
  }
}

TEST_CASE("a compressed kernel or ramdisk is taken as it is when it is declared as one") {
  const std::string ramdisk = padded("\x1f\x8b\x08\0"s);
  CHECK(outcome(ramdisk, 512, "ari") == "raw 4096");
  CHECK(outcome(ramdisk, 512, "aki") == "raw 4096");
  CHECK(outcome(ramdisk, 512, "raw") == "cannot take the image: it is a gzip-compressed file");
  CHECK(outcome(padded("LUKS\xba\xbe\0\1"s), 512, "ari") == "cannot take the image: it is a LUKS encrypted image");
}

std::string as_boot_file(const std::string& content, const std::optional<std::string>& declared = std::nullopt) {
  return outcome(content, 512, declared, model::ImageUse::boot_file);
}

bool is_boot_file_only(const std::string& content, const std::optional<std::string>& declared = std::nullopt) {
  return inspect(content, 512, declared, model::ImageUse::boot_file).verdict.is_boot_file_only;
}

TEST_CASE("a kernel or ramdisk is taken as it comes, compressed or not, whatever of that is declared") {
  const std::string kernel = patched(padded("MZ\xea\7"s), 510, "\x55\xaa\xeb\x6aHdrS");
  const std::string unified = patched(padded("MZ"s), 60, little_endian(64, 4) + "PE\0\0"s);
  const std::string cpio = padded("070701"s);
  const std::string microcode = patched(padded("070701"s), 2048, "\x28\xb5\x2f\xfd");
  const std::string elf = padded(
      "\x7f"
      "ELF\2\1\1"s);
  for (const std::string& plain : {kernel, unified, cpio, microcode, elf}) {
    for (const char* declared : {"aki", "ari", "ami", "raw"}) CHECK(as_boot_file(plain, declared) == "raw 4096");
    CHECK(as_boot_file(plain) == "raw 4096");
    CHECK_FALSE(is_boot_file_only(plain));
  }
  for (const std::string& beginning : {"\x1f\x8b\x08\0"s, "\x28\xb5\x2f\xfd"s, "\xfd\x37zXZ\0"s, "\x02\x21\x4c\x18"s,
                                       "BZh9"s, "\x89LZO\0"s, "\x5d\0\0\x80\0"s}) {
    const std::string compressed = padded(beginning);
    for (const char* declared : {"aki", "ari", "raw"}) CHECK(as_boot_file(compressed, declared) == "raw 4096");
    CHECK(is_boot_file_only(compressed, "raw"));
    CHECK(is_boot_file_only(compressed));
    CHECK_FALSE(is_boot_file_only(compressed, "ari"));  // which a disk is taken with, too
    CHECK(outcome(compressed, 512, "raw").starts_with("cannot take the image: it is a"));
  }
}

TEST_CASE("two bytes of a ramdisk that look like a boot record's end are no partition table") {
  const std::string ramdisk = patched(padded("070701"s), 510, "\x55\xaa");
  CHECK(outcome(ramdisk).find("partition table") != std::string::npos);
  CHECK(as_boot_file(ramdisk) == "raw 4096");
  CHECK(is_boot_file_only(ramdisk));
  CHECK(as_boot_file(patched(padded("\x1f\x8b\x08\0"s), 510, "\x55\xaa")) == "raw 4096");
}

TEST_CASE("a disk image, an archive or a page is no kernel, whatever is declared") {
  const std::string qcow2 = made_by_qemu("qcow2");
  const std::string vhd = made_by_qemu("vpc", "subformat=fixed");
  for (const auto& declared : {std::optional<std::string>(), std::optional<std::string>("aki")}) {
    CHECK(as_boot_file(qcow2, declared)
              .starts_with("cannot take the image: it is a qcow2 image, and a kernel or ramdisk is taken as it comes"));
    CHECK(as_boot_file(vhd, declared).starts_with("cannot take the image: it is a vpc image"));
    CHECK(as_boot_file(padded("LUKS\xba\xbe\0\1"s), declared) == "cannot take the image: it is a LUKS encrypted image");
    CHECK(as_boot_file(padded("PK\3\4"s), declared) == "cannot take the image: it is a zip archive");
    CHECK(as_boot_file("<!DOCTYPE html>\n<html>", declared).starts_with("cannot take the image: it is a web page"));
    CHECK(as_boot_file("", declared).find("it is empty") != std::string::npos);
  }
  CHECK(as_boot_file(padded("MZ"s), "qcow2") == "cannot take the image: it is declared as 'qcow2' and is raw");
}

TEST_CASE("a file that is two things at once is refused") {
  const std::string qcow2 = made_by_qemu("qcow2");
  const std::string vhd = made_by_qemu("vpc", "subformat=fixed");
  const std::string vmdk = made_by_qemu("vmdk");
  const auto said = [](const std::string& what) { return "cannot take the image: it is " + what + " at once"; };
  CHECK(outcome(patched(qcow2, 0x40, "\x7f\x10\xda\xbe")) == said("qcow2 and vdi"));
  CHECK(outcome(qcow2 + vhd.substr(vhd.size() - 512)) == said("qcow2 and vpc"));
  CHECK(outcome(patched(qcow2, 32'769, "CD001")) == said("qcow2 and an ISO 9660 file system"));
  CHECK(outcome(patched(vmdk, 446, partitioned().substr(446, 66))) == said("vmdk and a partition table"));
  CHECK(outcome(vmdk + padded("koly\0\0\0\4"s, 512)) ==
        said("vmdk and an Apple disk image (dmg)") + "; it is an Apple disk image (dmg)");
  CHECK(outcome(patched(vhd, 0, "QED\0"s)) == said("vpc and a QED image") + "; it is a QED image");
  CHECK(outcome(patched(vhd, 0, partitioned().substr(0, 512))).starts_with("vpc "));
}

TEST_CASE("what is declared has to be what is found") {
  const std::string qcow2 = made_by_qemu("qcow2");
  const std::string vhd = made_by_qemu("vpc");
  const std::string iso = patched(padded("", 65'536), 32'769, "CD001");
  CHECK(outcome(vhd, 512, "vhd").starts_with("vpc "));
  CHECK(outcome(vhd, 512, "vpc").starts_with("vpc "));
  const std::string disk = partitioned();
  for (const char* declared : {"raw", "ami", "aki", "ari"}) CHECK(outcome(disk, 512, declared) == "raw 65536");
  for (const char* declared : {"iso", "ami", "aki", "ari"}) CHECK(outcome(iso, 512, declared) == "iso 65536");
  CHECK(outcome(iso, 512, "raw") == "cannot take the image: it is declared as 'raw' and is iso");
  CHECK(outcome(disk, 512, "iso") == "cannot take the image: it is declared as 'iso' and is raw");
  for (const char* declared : {"raw", "iso", "ami", "aki", "ari"}) {
    CHECK(outcome(qcow2, 512, declared) ==
          "cannot take the image: it is declared as '" + std::string(declared) + "' and is qcow2");
  }
  CHECK(outcome(iso, 512, "qcow2") == "cannot take the image: it is declared as 'qcow2' and is iso");
  CHECK(outcome(vhd, 512, "vhdx") == "cannot take the image: it is declared as 'vhdx' and is vpc");
  CHECK(outcome(qcow2, 512, "ploop") == "cannot take the image: its declared format 'ploop' isn't one that is taken");
  CHECK(outcome(qcow2, 512, "") == "cannot take the image: its declared format '' isn't one that is taken");
}

TEST_CASE("an unknown declared word is refused with the words that are known") {
  const fetch::InspectionReport report = inspect("x", 1, "ploop\n");
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].check == "declared_format");
  CHECK(report.findings[0].detail == "its declared format 'ploop\\x0a' isn't one that is taken");
  CHECK(report.findings[0].hint ==
        "it looks like raw; known are raw, qcow2, vmdk, vpc, vhd, vhdx, vdi, iso, ami, aki and ari");
}

}  // namespace
}  // namespace basecache::inspect::test
