#include <doctest/doctest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

constexpr std::array<std::size_t, 5> kBlocks{1, 7, 512, 65'536, 1 << 30};

struct Recipe {
  std::string format;
  std::string options;
  std::vector<std::string> flags;
};

const std::vector<Recipe>& accepted_recipes() {
  static const std::vector<Recipe> recipes{
      {"qcow2", "compat=0.10", {}},
      {"qcow2", "compat=1.1", {}},
      {"qcow2", "cluster_size=512", {}},
      {"qcow2", "cluster_size=2M", {}},
      {"qcow2", "refcount_bits=1", {}},
      {"qcow2", "extended_l2=on,cluster_size=64k", {}},
      {"qcow2", "preallocation=metadata", {}},
      {"qcow2", "lazy_refcounts=on", {}},
      {"qcow2", "compression_type=zlib", {"-c"}},
      {"qcow2", "compression_type=zstd", {"-c"}},
      {"vmdk", "subformat=monolithicSparse", {}},
      {"vmdk", "subformat=monolithicSparse,zeroed_grain=on", {}},
      {"vmdk", "subformat=streamOptimized", {}},
      {"vpc", "subformat=dynamic", {}},
      {"vpc", "subformat=fixed", {}},
      {"vpc", "subformat=dynamic,force_size=on", {}},
      {"vpc", "subformat=fixed,force_size=on", {}},
      {"vhdx", "subformat=dynamic", {}},
      {"vhdx", "subformat=fixed", {}},
      {"vdi", "static=off", {}},
      {"vdi", "static=on", {}},
      {"raw", "", {}},
  };
  return recipes;
}

// What QEMU says, told the format: "qcow2 2097152".
std::string qemu_outcome(const std::string& image, const std::string& format) {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "image", image);
  const std::string output =
      run_tool({"qemu-img", "info", "--output=json", "-f", format, (scratch / "image").string()});
  const auto answer = nlohmann::json::parse(output);
  return answer.at("format").get<std::string>() + " " + std::to_string(answer.at("virtual-size").get<std::uint64_t>());
}

TEST_CASE(
    "an image that qemu-img writes is accepted as what it is, with the size that QEMU sees, whatever the blocks") {
  for (const Recipe& recipe : accepted_recipes()) {
    CAPTURE(recipe.format);
    CAPTURE(recipe.options);
    const std::string image = made_by_qemu(recipe.format, recipe.options, recipe.flags);
    const std::string expected = qemu_outcome(image, recipe.format);
    for (const std::size_t block : kBlocks) {
      if (block < small_block(image)) continue;
      CAPTURE(block);
      CHECK(outcome(image, block) == expected);
    }
    CHECK(outcome(image, 65'536, recipe.format) == expected);
  }
}

TEST_CASE("an image larger than what an inspection keeps of it is accepted too") {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "source", "begin");
  run_tool({"truncate", "-s", "700M", (scratch / "source").string()});
  for (const std::string format : {"qcow2", "vmdk", "vdi", "vhdx", "vpc"}) {
    CAPTURE(format);
    run_tool({"qemu-img", "convert", "-f", "raw", "-O", format, (scratch / "source").string(),
              (scratch / "image").string()});
    const std::string image = basecache::test::read_file(scratch / "image");
    CHECK(outcome(image, 65'536) == qemu_outcome(image, format));
  }
}

TEST_CASE("a virtual disk that ends inside a cluster is accepted") {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "source", std::string(512 * 1029, 'x'));
  for (const std::string format : {"qcow2", "vmdk", "vdi"}) {
    CAPTURE(format);
    run_tool({"qemu-img", "convert", "-f", "raw", "-O", format, (scratch / "source").string(),
              (scratch / "image").string()});
    const std::string image = basecache::test::read_file(scratch / "image");
    CHECK(outcome(image) == qemu_outcome(image, format));
  }
}

TEST_CASE("a qcow2 with internal snapshots is refused") {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "image", made_by_qemu("qcow2"));
  run_tool({"qemu-img", "snapshot", "-c", "before", (scratch / "image").string()});
  CHECK(outcome(basecache::test::read_file(scratch / "image")) ==
        "cannot take the image: it has internal snapshots (1)");
}

TEST_CASE("an image of a format that isn't taken is refused by its name") {
  struct Row {
    std::string format;
    std::string found;
  };
  const std::vector<Row> rows{
      {"qcow", "a qcow image of version 1"}, {"qed", "a QED image"}, {"parallels", "a Parallels image"}};
  for (const auto& [format, found] : rows) {
    const std::string image = made_by_qemu(format);
    for (const std::size_t block : kBlocks) CHECK(outcome(image, block) == "cannot take the image: it is " + found);
  }
}

TEST_CASE("an encrypted qcow2 is refused") {
  const ScratchDir scratch;
  const std::string path = (scratch / "image").string();
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=key,data=abc", "-o",
            "encrypt.format=aes,encrypt.key-secret=key", path, "1M"});
  CHECK(outcome(basecache::test::read_file(path)) == "cannot take the image: it is encrypted (qcow2 crypt_method 1)");
}

TEST_CASE("an image that needs another file is refused, naming it") {
  const ScratchDir scratch;
  const std::string path = (scratch / "image").string();
  const std::string base = (scratch / "base").string();
  basecache::test::write_file(scratch / "base", disk_content());
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "raw", path});
  CHECK(outcome(basecache::test::read_file(path)) ==
        "cannot take the image: it has a backing file '" + base + "'; it names the format 'raw' of a backing file");
  run_tool({"qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=" + base, path, "1M"});
  CHECK(outcome(basecache::test::read_file(path)) ==
        "cannot take the image: it keeps its content in an external data file; it names an external data file '" +
            base + "'");
}

TEST_CASE("a VMDK whose content is in other files is refused") {
  const ScratchDir scratch;
  const std::string path = (scratch / "image.vmdk").string();
  for (const std::string subformat : {"monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"}) {
    CAPTURE(subformat);
    run_tool({"qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=" + subformat, path, "1M"});
    CHECK(outcome(basecache::test::read_file(path)) ==
          "cannot take the image: it is a VMDK descriptor, a text that names the files holding the disk");
  }
}

}  // namespace
}  // namespace basecache::inspect::test
