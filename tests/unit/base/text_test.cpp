#include "agent/base/text.hpp"

#include <doctest/doctest.h>

namespace basecache {

TEST_CASE("hexadecimal text has lower-case digits and the length asked for") {
  CHECK(is_hex("0aF9", 4) == false);
  CHECK(is_hex("0af9", 4));
  CHECK_FALSE(is_hex("0af9", 5));
  CHECK_FALSE(is_hex("0ag9", 4));
  CHECK(is_hex("", 0));
}

TEST_CASE("a UUID is canonical or none") {
  CHECK(is_uuid("8e4f0d1c-2b3a-4c5d-9e6f-0123456789ab"));
  for (const char* text : {"", "8E4F0D1C-2B3A-4C5D-9E6F-0123456789AB", "8e4f0d1c2b3a4c5d9e6f0123456789ab",
                           "{8e4f0d1c-2b3a-4c5d-9e6f-0123456789a}", "8e4f0d1c-2b3a-4c5d-9e6f-0123456789ab\n",
                           "8e4f0d1c-2b3a-4c5d-9e6f/0123456789ab", "../../../../../../../../../../../etc"}) {
    CAPTURE(text);
    CHECK_FALSE(is_uuid(text));
  }
}

TEST_CASE("a number is all of the text, and fits") {
  CHECK(parse_unsigned("0") == 0);
  CHECK(parse_unsigned("007") == 7);
  CHECK(parse_unsigned("18446744073709551615") == 18446744073709551615ULL);
  for (const char* text : {"", " 1", "1 ", "+1", "-1", "1.0", "0x10", "18446744073709551616"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_unsigned(text));
  }
}

TEST_CASE("quoted text can't reach a terminal raw") {
  CHECK(quote("disk") == "'disk'");
  CHECK(quote("") == "''");
  CHECK(quote("a\nb\x1b[2J\x7f") == "'a\\x0ab\\x1b[2J\\x7f'");
  CHECK(quote("\xc3\xa4") == "'\\xc3\\xa4'");
  CHECK(quote(std::string_view("a\0b", 3)) == "'a\\x00b'");
}

TEST_CASE("quoted text has a limit") {
  CHECK(quote("abcdef", 3) == "'abc...'");
  CHECK(quote("abc", 3) == "'abc'");
}

TEST_CASE("a shown URL has no password and no query values") {
  CHECK(redact_url("https://user:secret@host/path?token=secret&x=1") == "https://***@host/path?token=***&x=***");
  CHECK(redact_url("https://secret@host") == "https://***@host");
  CHECK(redact_url("https://a:b@c@host/") == "https://***@host/");
  CHECK(redact_url("https://host/a@b") == "https://host/a@b");
  CHECK(redact_url("https://host/?secret") == "https://host/?***");
  CHECK(redact_url("https://host/#secret") == "https://host/");
  CHECK(redact_url("https://host/i.qcow2") == "https://host/i.qcow2");
  CHECK(redact_url("s3://key:se/c?r#et@host/b/k") == "s3://***@host/b/k");
  CHECK(redact_url("http://user:pa?ss@host/") == "http://user:pa?***");
  CHECK(redact_url("") == "");
}

TEST_CASE("the nearest word is a slip of the pen away, or there is none") {
  const std::vector<std::string> words = {"workers", "socket", "socket_mode"};
  CHECK(nearest("worker", words) == "workers");
  CHECK(nearest("sokcet", words) == "socket");
  CHECK(nearest("socket_mod", words) == "socket_mode");
  CHECK_FALSE(nearest("deadline", words));
  CHECK_FALSE(nearest("x", {}));
}

}  // namespace basecache
