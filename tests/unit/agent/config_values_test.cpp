#include "agent/config_values.hpp"

#include <doctest/doctest.h>

namespace basecache {

using std::chrono::seconds;

TEST_CASE("a flag is written in any of the words that oslo.config takes") {
  for (const char* word : {"true", "True", "YES", "on", "1"}) CHECK(parse_flag(word));
  for (const char* word : {"false", "False", "no", "OFF", "0"}) CHECK_FALSE(parse_flag(word));
  for (const char* word : {"", "2", "t", "tru e"}) CHECK_THROWS_AS(parse_flag(word), BadValue);
}

TEST_CASE("a number stands within its limits, and what it says is the whole text") {
  CHECK(parse_number("0", 0, 5) == 0);
  CHECK(parse_number("5", 0, 5) == 5);
  for (const char* text : {"6", "-1", "+1", "1 ", "1.0", "", "0x1", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_number(text, 0, 5), "a number from 0 to 5", BadValue);
  }
}

TEST_CASE("seconds end where a clock would overflow") {
  CHECK(parse_seconds("1", seconds(1)) == seconds(1));
  CHECK_THROWS_AS(parse_seconds("0", seconds(1)), BadValue);
  CHECK_THROWS_AS(parse_seconds("9223372036854775807", seconds(0)), BadValue);
}

TEST_CASE("a path is absolute and can be printed") {
  CHECK(parse_absolute_path("/a b/c") == "/a b/c");
  for (const char* text : {"", "a", "./a", "~/a", "/a\nb", "/a\x7f"}) {
    CHECK_THROWS_AS(parse_absolute_path(text), BadValue);
  }
}

TEST_CASE("a file name is one component of a path") {
  CHECK(parse_file_name("_base") == "_base");
  for (const char* text : {"", ".", "..", "a/b", "/", "a\nb"}) CHECK_THROWS_AS(parse_file_name(text), BadValue);
}

TEST_CASE("a mode is octal and holds permissions only") {
  CHECK(parse_mode("0660") == 0660);
  CHECK(parse_mode("777") == 0777);
  for (const char* text : {"", "0o660", "668", "1777", "-1", "rw"}) CHECK_THROWS_AS(parse_mode(text), BadValue);
  CHECK(show_mode(0660) == "0660");
  CHECK(show_mode(0) == "0000");
}

TEST_CASE("bytes have a binary unit or none") {
  CHECK(parse_bytes("1").count == 1);
  CHECK(parse_bytes("3KiB") == kibibytes(3));
  CHECK(parse_bytes("3 MiB") == mebibytes(3));
  CHECK(parse_bytes("2GiB") == gibibytes(2));
  CHECK(parse_bytes("1TiB") == gibibytes(1024));
  for (const char* text : {"", "0", "0GiB", "1GB", "1G", "GiB", "-1", "9223372036854775808", "8388608TiB"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_bytes(text), BadValue);
  }
}

TEST_CASE("bytes are shown in the largest unit that divides them") {
  CHECK(show_bytes(gibibytes(1024)) == "1TiB");
  CHECK(show_bytes(gibibytes(1536)) == "1536GiB");
  CHECK(show_bytes({1025}) == "1025");
}

TEST_CASE("a word has no blanks and no special bytes") {
  CHECK(parse_word("ext4") == "ext4");
  CHECK(parse_word("").empty());
  for (const char* text : {"a b", "a;b", "a/b", "a\n"}) CHECK_THROWS_AS(parse_word(text), BadValue);
}

TEST_CASE("a list is separated by commas or lines, and empty parts don't count") {
  CHECK(split_list("") == std::vector<std::string>{});
  CHECK(split_list(" a , b,,c\nd,\n") == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(show_list({"a", "b"}) == "a, b");
}

}  // namespace basecache
