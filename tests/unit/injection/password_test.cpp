#include "agent/injection/password.hpp"

#include <doctest/doctest.h>

#include <set>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::injection;

TEST_CASE("a crypt is the one that everybody else makes of the password and the salt") {
  // "openssl passwd -6 -salt saltsaltsaltsalt geheim"
  CHECK(sha512_crypt("geheim", "saltsaltsaltsalt") ==
        "$6$saltsaltsaltsalt$KwqT4Cxg1hEzACkvPcn7GyiaQUZPbysr.RibzefXqXQyoIWMZ5f0VP8a1GdXqzda1Meaq4sEGZBea/fCt6jXO.");
}

TEST_CASE("salts are drawn, and of letters that crypt takes") {
  std::set<std::string> salts;
  for (int i = 0; i < 50; ++i) salts.insert(random_salt());
  CHECK(salts.size() == 50);
  for (const std::string& salt : salts) {
    CHECK(salt.size() == 16);
    CHECK(sha512_crypt("x", salt).starts_with("$6$" + salt + "$"));
  }
}

TEST_CASE("root's crypt is replaced, and nothing else") {
  struct Row {
    const char* shadow;
    const char* expected;
  };
  for (const Row& row :
       {Row{"root:*:19000:0:99999:7:::\nbin:*:1::::::\n", "root:NEW:19000:0:99999:7:::\nbin:*:1::::::\n"},
        Row{"bin:*:1::::::\nroot::19000::::::", "bin:*:1::::::\nroot:NEW:19000::::::"},
        Row{"rooty:*:1::::::\nroot:!\n", "rooty:*:1::::::\nroot:NEW\n"}, Row{"root\n", "root:NEW\n"},
        Row{"\n\nroot:x:::::::\n\n", "\n\nroot:NEW:::::::\n\n"}}) {
    CAPTURE(row.shadow);
    CHECK(with_password("bin:x:1:1::/:/bin/sh\nroot:x:0:0::/root:/bin/sh\n", row.shadow, "NEW") == row.expected);
  }
}

TEST_CASE("without root in both files there is nothing to set") {
  CHECK_THROWS_AS((void)with_password("bin:x:1:1:::\n", "root:*:::::::\n", "NEW"), Error);
  CHECK_THROWS_AS((void)with_password("root:x:0:0:::\n", "bin:*:::::::\n", "NEW"), Error);
  CHECK_THROWS_AS((void)with_password("", "", "NEW"), Error);
}
