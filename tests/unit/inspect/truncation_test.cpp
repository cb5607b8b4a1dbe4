#include <doctest/doctest.h>

#include "tests/unit/inspect/inspect_support.hpp"

namespace basecache::inspect::test {
namespace {

// Every length that cuts a header, a table or a cluster, and some that cut nothing special.
std::vector<std::size_t> lengths_below(std::size_t size, std::size_t first) {
  std::vector<std::size_t> lengths;
  for (std::size_t length = first; length < std::min<std::size_t>(size, 1600); ++length) lengths.push_back(length);
  for (std::size_t step = 4096; step < size; step += 32'768) {
    lengths.insert(lengths.end(), {step - 1, step, step + 1});
  }
  lengths.insert(lengths.end(), {size - 512, size - 1});
  std::erase_if(lengths, [&](std::size_t length) { return length >= size; });
  return lengths;
}

// `magic` is the length from which on the format can be told.
void check_all_lengths(const std::string& image, std::size_t magic) {
  REQUIRE(!outcome(image).starts_with("cannot"));
  for (const std::size_t length : lengths_below(image.size(), magic)) {
    CAPTURE(length);
    const std::string said = outcome(std::string_view(image).substr(0, length));
    CAPTURE(said);
    CHECK(said.starts_with("cannot take the image: "));
  }
}

TEST_CASE("a qcow2 that is cut off anywhere is refused") {
  check_all_lengths(made_by_qemu("qcow2"), 4);
  check_all_lengths(made_by_qemu("qcow2", "cluster_size=4k"), 4);
  check_all_lengths(made_by_qemu("qcow2", "compat=0.10"), 4);
}

TEST_CASE("a compressed qcow2 that is cut off before its last sector is refused") {
  const std::string image = made_by_qemu("qcow2", "", {"-c"});
  for (const std::size_t length : {100UL, 65'536UL, 262'144UL, image.size() - 65'536}) {
    CHECK(outcome(image.substr(0, length)).starts_with("cannot take the image: it is truncated"));
  }
}

TEST_CASE("a sparse VMDK that is cut off anywhere is refused") { check_all_lengths(made_by_qemu("vmdk"), 4); }

TEST_CASE("a dynamic VHD that is cut off anywhere is refused") {
  check_all_lengths(made_by_qemu("vpc", "subformat=dynamic"), 8);
}

TEST_CASE("a VDI that is cut off anywhere is refused") { check_all_lengths(made_by_qemu("vdi"), 4); }

TEST_CASE("a VHDX that is cut off in its headers, tables or blocks is refused") {
  const std::string image = made_by_qemu("vhdx");
  const std::size_t blocks_at = 8 << 20;
  for (const std::size_t length :
       {8UL, 512UL, 65'600UL, 131'080UL, 196'700UL, 262'143UL, 1UL << 20, 3UL << 20, (3UL << 20) + 65'600, blocks_at}) {
    CAPTURE(length);
    CHECK(outcome(std::string_view(image).substr(0, length)).starts_with("cannot take the image: it is truncated"));
  }
}

TEST_CASE("a VMDK stream whose end is missing is refused") {
  const std::string image = made_by_qemu("vmdk", "subformat=streamOptimized");
  for (const std::size_t length : {4UL, 79UL, 512UL, 5'000UL, 20'000UL, 100'000UL}) {
    CAPTURE(length);
    CHECK(outcome(image.substr(0, length)).starts_with("cannot take the image: "));
  }
}

}  // namespace
}  // namespace basecache::inspect::test
