#include "agent/config_file.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

std::vector<ConfigEntry> parse(std::string_view text) { return parse_config_text(text, "/etc/x.conf"); }

std::string value_in(std::string_view text) {
  const std::vector<ConfigEntry> entries = parse(text);
  REQUIRE(entries.size() == 1);
  return entries[0].value;
}

std::string failure_of(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("an entry knows its section, name, value and line") {
  const auto entries = parse("[a]\n# comment\nx = 1\n\n[b]\ny: 2\n");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].section == "a");
  CHECK(entries[0].name == "x");
  CHECK(entries[0].value == "1");
  CHECK(entries[0].line == 3);
  CHECK(entries[1].section == "b");
  CHECK(entries[1].name == "y");
  CHECK(entries[1].line == 6);
}

TEST_CASE("what stands above the first section is in DEFAULT") { CHECK(parse("x = 1").at(0).section == "DEFAULT"); }

TEST_CASE("values are taken as they are written") {
  CHECK(value_in("x = a = b") == "a = b");
  CHECK(value_in("x = a ; b # c") == "a ; b # c");
  CHECK(value_in("x = 100% $y") == "100% $y");
  CHECK(value_in("x = \t a \r\n") == "a");
  CHECK(value_in("x =") == "");
  CHECK(value_in("x = \" a \"") == " a ");
  CHECK(value_in("x = 'a\"") == "'a\"");
  CHECK(value_in("x = '") == "'");
}

TEST_CASE("the first of '=' and ':' ends the name") {
  CHECK(parse("x = http://a").at(0).name == "x");
  CHECK(parse("x: a=b").at(0).value == "a=b");
}

TEST_CASE("an indented line continues the value, a blank line ends it") {
  CHECK(value_in("x = a\n  b\n\tc") == "a\nb\nc");
  CHECK(value_in("x =\n  a") == "a");
  CHECK(value_in("x = a\n  # b") == "a\n# b");
  CHECK(failure_of("x = a\n\n  b").find("/etc/x.conf':3:") != std::string::npos);
}

TEST_CASE("a line of any length is one line") {
  const std::string value = std::string(300, 'a') + "\tsocket = /tmp/evil " + std::string(5000, 'b');
  CHECK(value_in("x = " + value) == value);
}

TEST_CASE("a byte order mark before the first line is no part of it") {
  CHECK(parse("\xef\xbb\xbf[a]\nx = 1").at(0).section == "a");
}

TEST_CASE("duplicates all stand, in their order") {
  const auto entries = parse("x = 1\nx = 2\n");
  REQUIRE(entries.size() == 2);
  CHECK(entries[1].value == "2");
}

TEST_CASE("a line that is nothing is an error at its line, which doesn't show it") {
  for (const std::string line : {"password", "= password", "[password", "[]"}) {
    CAPTURE(line);
    const std::string failure = failure_of("a = 1\n" + line + "\n");
    CHECK(failure.find("'/etc/x.conf':2: the line isn't") == 0);
    CHECK(failure.find("password") == std::string::npos);
  }
}

TEST_CASE("a configuration file that doesn't exist is an error that names it") {
  const test::ScratchDir scratch;
  CHECK_THROWS_AS(read_config_file(scratch / "none.conf"), Error);
}

TEST_CASE("a configuration file that everybody may write to is refused") {
  const test::ScratchDir scratch;
  const Path file = scratch / "a.conf";
  test::write_file(file, "x = 1\n");
  REQUIRE(::chmod(file.c_str(), 0646) == 0);
  CHECK_THROWS_AS(read_config_file(file), Error);
  REQUIRE(::chmod(file.c_str(), 0664) == 0);
  CHECK(read_config_file(file).size() == 1);
}

}  // namespace basecache
