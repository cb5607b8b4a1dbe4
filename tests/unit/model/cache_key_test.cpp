#include "agent/model/cache_key.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>

#include "agent/model/base_file_spec.hpp"

using namespace basecache::model;

namespace {

const std::string kSha1 = "f2d1a8250ed3d4b744a8250dab8f6840179d502a";
constexpr std::uint64_t kHuge = 18446744073709551615U;

}  // namespace

// python3 -c 'import hashlib, sys; print(hashlib.sha1(sys.argv[1].encode()).hexdigest())' REF
// which is the whole body of Nova's nova.virt.libvirt.imagecache.get_cache_fname.
TEST_CASE("an image's base file is named by the SHA-1 of exactly the text that the caller sent") {
  const std::pair<const char*, const char*> rows[] = {
      {"155d900f-4e14-4e4c-a73d-069cbf4541e6", "f2d1a8250ed3d4b744a8250dab8f6840179d502a"},
      {"70a599e0-31e7-49b7-b260-868f441e862b", "88607926df58f2de85c9d44cd0324614a44d28b3"},
      {"70A599E0-31E7-49B7-B260-868F441E862B", "107284c7ac7e27fd92022580c42c2794ad3b776b"},
      {"file:///srv/images/cirros.qcow2", "ab743db51f5fabd234b5fb1c4a3ba26857b3725c"},
      {"https://mirror.example/cirros.img", "edf4b5d9c472b70faa2300ac81675575e4d96658"},
  };
  for (const auto& row : rows) {
    const auto& ref = row.first;
    const auto& name = row.second;
    CAPTURE(ref);
    const CacheKey key = CacheKey::for_image(ref);
    CHECK(key.text() == name);
    CHECK(key.kind() == CacheKey::Kind::image);
  }
}

// python3 -c 'import hashlib, sys; print(hashlib.md5(sys.argv[1].encode()).hexdigest()[:7])' FORMATTED_BY
// as nova.privsep.fs.get_file_extension_for_os_type does it; "ephemeral_%s_%s" in LibvirtDriver._create_image.
TEST_CASE("an ephemeral base file is named by its size and the MD5 of what formats it") {
  struct Row {
    std::uint64_t gibibytes;
    const char* formatted_by;
    const char* name;
  };
  const Row rows[] = {
      {1, "ext4", "ephemeral_1_40d1d2c"},
      {1, "vfat", "ephemeral_1_0706d66"},
      {20, "ext3", "ephemeral_20_66f137c"},
      {20, "ext2", "ephemeral_20_979f413"},
      {500, "xfs", "ephemeral_500_310201b"},
      {7, "ntfs", "ephemeral_7_68e98b8"},
      {1, "mkfs.ext4 -L %(fs_label)s -F %(target)s", "ephemeral_1_cfcfd11"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.formatted_by);
    const CacheKey key = CacheKey::for_ephemeral(row.gibibytes, row.formatted_by);
    CHECK(key.text() == row.name);
    CHECK(key.kind() == CacheKey::Kind::ephemeral);
  }
}

// "swap_%s" % swap_mb in LibvirtDriver._create_image.
TEST_CASE("a swap base file is named by its size in MiB") {
  CHECK(CacheKey::for_swap(256).text() == "swap_256");
  CHECK(CacheKey::for_swap(kHuge).text() == "swap_18446744073709551615");
  CHECK(CacheKey::for_swap(1).kind() == CacheKey::Kind::swap);
}

TEST_CASE("the names of base files are recognised") {
  using Kind = CacheKey::Kind;
  const std::pair<std::string, Kind> rows[] = {
      {kSha1, Kind::image},
      {std::string(40, '0'), Kind::image},
      {kSha1 + "_10", Kind::resized_image},
      {kSha1 + "_10737418240", Kind::resized_image},
      {kSha1 + "_sm", Kind::resized_image},
      {"ephemeral_1_40d1d2c", Kind::ephemeral},
      {"ephemeral_20_0706d66", Kind::ephemeral},
      {"swap_256", Kind::swap},
      {"swap_0", Kind::swap},
  };
  for (const auto& row : rows) {
    const auto& name = row.first;
    const auto& kind = row.second;
    CAPTURE(name);
    const auto key = CacheKey::parse(name);
    REQUIRE(key.has_value());
    CHECK(key->kind() == kind);
    CHECK(key->text() == name);
  }
}

TEST_CASE("every other name is no base file's") {
  const std::string rows[] = {
      "",
      ".",
      "..",
      "cirros",
      kSha1.substr(1),
      kSha1 + "a",
      "F2D1A8250ED3D4B744A8250DAB8F6840179D502A",
      "g2d1a8250ed3d4b744a8250dab8f6840179d502a",
      kSha1 + "_",
      kSha1 + "_sm2",
      kSha1 + "_-1",
      kSha1 + "_1.5",
      kSha1 + ".part",
      kSha1 + ".json",
      kSha1 + "/../x",
      "../" + kSha1,
      kSha1 + "\n",
      std::string("swap_256\0", 9),
      "swap_",
      "swap_-1",
      "swap_1x",
      "swap_1_2",
      "swap_ 1",
      "swap_18446744073709551616",
      "Swap_256",
      "ephemeral_",
      "ephemeral_1",
      "ephemeral_1_",
      "ephemeral__40d1d2c",
      "ephemeral_x_40d1d2c",
      "ephemeral_1_40d1d2",
      "ephemeral_1_40d1d2cc",
      "ephemeral_1_40D1D2C",
      "ephemeral_1_default",
      "ephemeral_1_40d1d2c_1",
      "ephemeral_1/40d1d2c",
      "lost+found",
  };
  for (const std::string& name : rows) {
    CAPTURE(name);
    CHECK_FALSE(CacheKey::parse(name).has_value());
  }
}

TEST_CASE("what is made for a base file leads to its name and back") {
  const std::pair<BaseFileSpec, const char*> rows[] = {
      {ImageBase{ImageRef::parse("155d900f-4e14-4e4c-a73d-069cbf4541e6", "image_ref"), {}},
       "f2d1a8250ed3d4b744a8250dab8f6840179d502a"},
      {EphemeralBase{1, "ext4"}, "ephemeral_1_40d1d2c"},
      {EphemeralBase{1, "ext4", 1}, "ephemeral_1_da5bf63"},
      {EphemeralBase{1, "swap"}, "ephemeral_1_f0a1dfd"},
      {SwapBase{256}, "swap_256"},
  };
  for (const auto& row : rows) {
    const auto& spec = row.first;
    const auto& name = row.second;
    CAPTURE(name);
    CHECK(key_of(spec).text() == name);
    CHECK(CacheKey::parse(name) == key_of(spec));
  }
}

TEST_CASE("a demanded checksum doesn't change the base file's name") {
  const ImageRef ref = ImageRef::parse("155d900f-4e14-4e4c-a73d-069cbf4541e6", "image_ref");
  const basecache::Digest digest{basecache::DigestAlgorithm::md5, std::string(32, '0')};
  CHECK(key_of(ImageBase{ref, digest}) == key_of(ImageBase{ref, {}}));
}

TEST_CASE("base files are described in words") {
  CHECK(describe(ImageBase{ImageRef::parse("https://u:p@mirror.example/a", "image_ref"), {}}) ==
        "image 'https://***@mirror.example/a'");
  CHECK(describe(ImageBase{ImageRef::parse("file:///boot/vmlinuz", "kernel_id"), {}, ImageUse::boot_file}) ==
        "kernel or ramdisk image 'file:///boot/vmlinuz'");
  CHECK(describe(EphemeralBase{1, "ext4"}) == "1 GiB ext4 file system");
  CHECK(describe(EphemeralBase{1, "swap"}) == "1 GiB swap ephemeral disk");
  CHECK(describe(EphemeralBase{1, MkfsCommand::parse("mkfs %(target)s").value()}) ==
        "1 GiB ephemeral disk by 'mkfs %(target)s'");
  CHECK(describe(SwapBase{256}) == "256 MiB swap space");
}

TEST_CASE("each kind of key has a name") {
  CHECK(name_of(CacheKey::Kind::image) == "image");
  CHECK(name_of(CacheKey::Kind::resized_image) == "resized_image");
  CHECK(name_of(CacheKey::Kind::ephemeral) == "ephemeral");
  CHECK(name_of(CacheKey::Kind::swap) == "swap");
}

TEST_CASE("no two formats or labels share the name of a base file") {
  std::set<std::string> names;
  for (const std::string_view format : supported_guest_formats()) {
    for (unsigned number = 0; number < 64; ++number) {
      names.insert(key_of(EphemeralBase{1, std::string(format), number}).text());
    }
  }
  CHECK(names.size() == supported_guest_formats().size() * 64);
}

TEST_CASE("an image has one base file, whatever it is used for") {
  const ImageRef ref = ImageRef::parse("155d900f-4e14-4e4c-a73d-069cbf4541e6", "image_ref");
  CHECK(key_of(ImageBase{ref, {}, ImageUse::boot_file}) == key_of(ImageBase{ref, {}, ImageUse::disk}));
}

TEST_CASE("a request may name swap too, which nothing is formatted as by default") {
  for (const char* name : {"ext2", "ext3", "ext4", "xfs", "vfat", "ntfs", "swap"})
    CHECK(is_supported_guest_format(name));
  for (const char* name : {"", "btrfs", "swap ", "mkfs %(target)s"}) CHECK_FALSE(is_supported_guest_format(name));
}

TEST_CASE("the file systems that an ephemeral disk can have are those that Nova formats") {
  for (const char* name : {"ext2", "ext3", "ext4", "xfs", "vfat", "ntfs"}) CHECK(is_supported_file_system(name));
  for (const char* name : {"", "btrfs", "EXT4", "swap", "ext4 ", "default"})
    CHECK_FALSE(is_supported_file_system(name));
}
