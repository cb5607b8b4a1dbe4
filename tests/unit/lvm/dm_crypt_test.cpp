#include "backends/lvm/dm_crypt.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cstddef>
#include <optional>
#include <string>

#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/lvm/stand_in.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

const std::string kVolume = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90_disk";
const std::string kKey = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1";

struct Node {
  Node() { write_key(std::string(31, '\xab') + '\n', 0400); }

  void write_key(const std::string& bytes, mode_t mode) {
    boost::filesystem::remove(keys / kKey);
    write_file(keys / kKey, bytes);
    REQUIRE(::chmod((keys.path() / kKey).c_str(), mode) == 0);
  }
  DmCrypt crypt() const { return DmCrypt({.key_directory = keys.path(), .encryption = {.key_bits = 256}}); }
  Path open(const std::string& key = kKey) { return crypt().open(kVolume, "/dev/vg/staged", key, op); }
  std::optional<Error> error_of_open(const std::string& key = kKey) {
    return error_of([&] { open(key); });
  }

  ScratchDir keys;
  StandIn cryptsetup{"cryptsetup"};
  OpContext op = test_operation();
};

std::string digits_of_key() {
  std::string digits;
  for (int i = 0; i < 31; ++i) digits += "ab";
  return digits + "0a";
}

}  // namespace

TEST_CASE("cryptsetup gets the key's hexadecimal digits on its standard input, and nothing of it in its arguments") {
  Node node;
  CHECK(node.open() == Path("/dev/mapper") / (kVolume + "-dmcrypt"));
  CHECK(node.cryptsetup.input() == digits_of_key());
  REQUIRE(node.cryptsetup.calls().size() == 1);
  CHECK(node.cryptsetup.calls().at(0) ==
        "open --type plain --batch-mode --cipher=aes-xts-plain64 --key-size=256 --key-file=- /dev/vg/staged " +
            kVolume + "-dmcrypt");
}

TEST_CASE("a key of another size is refused") {
  Node node;
  for (const std::size_t size : {0U, 31U, 33U, 64U}) {
    CAPTURE(size);
    node.write_key(std::string(size, 'k'), 0400);
    const auto error = node.error_of_open();
    CHECK(error->code() == ErrorCode::storage_unusable);
    CHECK(says(error, "32 bytes"));
    CHECK_FALSE(says(error, "kkk"));
  }
  CHECK(node.cryptsetup.calls().empty());
}

TEST_CASE("a key that others may use is refused") {
  Node node;
  for (const mode_t mode : {0440U, 0404U, 0620U, 0601U}) {
    CAPTURE(mode);
    node.write_key(std::string(32, 'k'), mode);
    CHECK(node.error_of_open()->code() == ErrorCode::storage_unusable);
  }
  CHECK(node.cryptsetup.calls().empty());
}

TEST_CASE("a key that somebody else owns is refused" * doctest::skip(::geteuid() != 0)) {
  Node node;
  REQUIRE(::chown((node.keys.path() / kKey).c_str(), 65534, 65534) == 0);
  CHECK(says(node.error_of_open(), "it isn't root's"));
}

TEST_CASE("a key is a file of its directory") {
  Node node;
  for (const char* key : {"", "../secret", "/etc/shadow", "key"}) {
    CAPTURE(key);
    CHECK(node.error_of_open(key)->code() == ErrorCode::invalid_request);
  }
  const std::string link = "00000000-0000-0000-0000-000000000000";
  boost::filesystem::create_symlink(node.keys.path() / kKey, node.keys.path() / link);
  CHECK(node.error_of_open(link)->code() == ErrorCode::storage_unusable);
  const auto missing = node.error_of_open("11111111-1111-1111-1111-111111111111");
  CHECK(missing->code() == ErrorCode::not_found);
  CHECK(missing->hint().find("ephemeral_key_directory") != std::string::npos);
  CHECK(node.cryptsetup.calls().empty());
}

TEST_CASE("a volume that is open is told from one that somebody uses") {
  Node node;
  node.cryptsetup.says("open", {.errors = "Device v-dmcrypt already exists.\n", .status = 5});
  CHECK(node.error_of_open()->code() == ErrorCode::already_exists);
  node.cryptsetup.says("open", {.errors = "Cannot use device /dev/vg/staged which is in use.\n", .status = 5});
  CHECK(node.error_of_open()->code() == ErrorCode::in_use);
  node.cryptsetup.says("open", {.errors = "Cannot initialize crypto backend.\n", .status = 1});
  CHECK(node.error_of_open()->code() == ErrorCode::tool_failed);
}

TEST_CASE("a volume that isn't open is closed already, one that a guest uses isn't closed") {
  Node node;
  DmCrypt::close(kVolume, node.op);
  CHECK(node.cryptsetup.calls().at(0) == "close --batch-mode " + kVolume + "-dmcrypt");
  node.cryptsetup.says("close", {.errors = "Device v-dmcrypt is not active.\n", .status = 4});
  CHECK_NOTHROW(DmCrypt::close(kVolume, node.op));
  node.cryptsetup.says("close", {.errors = "Device v-dmcrypt is still in use.\n", .status = 5});
  CHECK(code_of([&] { DmCrypt::close(kVolume, node.op); }) == ErrorCode::in_use);
}

TEST_CASE("only instances' volumes are encrypted") {
  Node node;
  for (const char* volume : {"", "lvol0", "../sda", "--help"}) {
    CAPTURE(volume);
    CHECK(code_of([&] { DmCrypt::close(volume, node.op); }) == ErrorCode::invalid_request);
  }
  CHECK(node.cryptsetup.calls().empty());
}
