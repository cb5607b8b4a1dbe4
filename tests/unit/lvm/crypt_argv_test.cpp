#include "backends/lvm/crypt_argv.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;
using Argv = std::vector<std::string>;

TEST_CASE("an encrypted volume is opened plain, with the passphrase from standard input and cryptsetup's own hash") {
  CHECK(open_argv({}, "/dev/vg/v", "v-dmcrypt") == Argv{"cryptsetup", "open", "--type", "plain", "--batch-mode",
                                                        "--cipher=aes-xts-plain64", "--key-size=512", "--key-file=-",
                                                        "/dev/vg/v", "v-dmcrypt"});
  CHECK(open_argv({.cipher = "aes-cbc-essiv:sha256", .key_bits = 256}, "/dev/vg/v", "m") ==
        Argv{"cryptsetup", "open", "--type", "plain", "--batch-mode", "--cipher=aes-cbc-essiv:sha256", "--key-size=256",
             "--key-file=-", "/dev/vg/v", "m"});
}

TEST_CASE("an encrypted volume is closed by its name") {
  CHECK(close_argv("v-dmcrypt") == Argv{"cryptsetup", "close", "--batch-mode", "v-dmcrypt"});
}

TEST_CASE("keys have 256 or 512 bits, and ciphers names") {
  CHECK_NOTHROW(check_encryption({}));
  CHECK_NOTHROW(check_encryption({.cipher = "aes-cbc-essiv:sha256", .key_bits = 256}));
  for (const unsigned bits : {0U, 128U, 384U, 513U}) {
    CHECK(says(error_of([&] { check_encryption({.key_bits = bits}); }), "key_size"));
  }
  for (const char* cipher : {"", "aes xts", "aes/xts", "AES;id"}) {
    CAPTURE(cipher);
    CHECK(says(error_of([&] { check_encryption({.cipher = cipher}); }), "cipher"));
  }
}
