#include "backends/drive/fat_names.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::drive;

namespace {

std::string alias_text(std::string_view name, const std::set<FatAlias>& taken = {}) {
  const FatAlias alias = alias_of(name, taken);
  return {alias.begin(), alias.end()};
}

FatAlias alias_from(std::string_view text) {
  FatAlias alias{};
  for (std::size_t i = 0; i < alias.size(); ++i) alias[i] = text[i];
  return alias;
}

}  // namespace

TEST_CASE("a short name is the name itself where that loses nothing but the case of letters") {
  const struct {
    const char* name;
    const char* alias;
  } rows[] = {
      {"0000", "0000       "},
      {"latest", "LATEST     "},
      {"a.b", "A       B  "},
      {"user_data", "USER_D~1   "},
      {"meta_data.json", "META_D~1JSO"},
      {"meta-data.json", "META-D~1JSO"},
      {"2012-08-10", "2012-0~1   "},
      {"12345678.abc", "12345678ABC"},
      {"123456789.abc", "123456~1ABC"},
      {"a.abcd", "A~1     ABC"},
      {"a b", "AB~1       "},
      {"a.b.c", "AB~1    C  "},
      {".hidden", "HIDDEN~1   "},
      {"a+b", "A_B~1      "},
      {"\xc3\xa9t\xc3\xa9", "_T_~1      "},
      {"...x", "~1      X  "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    CHECK(alias_text(row.name) == row.alias);
  }
}

TEST_CASE("names that are alike get numbers") {
  const std::set<FatAlias> one{alias_from("VENDOR~1JSO")};
  CHECK(alias_text("vendor_data2.json", one) == "VENDOR~2JSO");
  std::set<FatAlias> nine;
  for (char c = '1'; c <= '9'; ++c) nine.insert(alias_from(std::string("VENDOR~") + c + "JSO"));
  CHECK(alias_text("vendor_data2.json", nine) == "VENDO~10JSO");
  CHECK(alias_text("latest", {alias_from("LATEST     ")}) == "LATEST~1   ");
}

TEST_CASE("only names in upper case that fit need no long name") {
  for (const char* name : {"0000", "A", "README.TXT", "A-B_C"}) CHECK(is_short(name));
  for (const char* name : {"latest", "a", "0000.json", "A.B.C", "LONGER-THAN", "A B", "A."})
    CHECK_FALSE(is_short(name));
}

TEST_CASE("a name that VFAT can't have is refused") {
  for (const std::string name : {"a:b", "a*b", "a?", "\"", "<", ">", "|", "a\\b", "a\n", "a.", "a ", "\xff", "\xc3",
                                 "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(long_name(name), Error);
  }
  CHECK_THROWS_AS(long_name(std::string(256, 'x')), Error);
  CHECK(long_name(std::string(255, 'x')).size() == 255);
}

TEST_CASE("text goes through UTF-16 and back") {
  for (const std::string text : {"", "meta_data.json", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80!"}) {
    CHECK(utf8_of(long_name(text)) == text);
  }
  CHECK(long_name("\xf0\x9f\x98\x80").size() == 2);
  CHECK(utf8_of(u"a\xd800") == "a\xef\xbf\xbd");  // half of a pair
  CHECK(utf8_of(u"\xdc00z") == "\xef\xbf\xbdz");
}

// That readers take it so on whole disks is shown by fsck.vfat and mtools (vfat_writer_test).
TEST_CASE("the sum over a short name is the one that readers expect") {
  CHECK(checksum_of(alias_from("THEQUI~1FOX")) == 0x07);
  CHECK(checksum_of(alias_from("           ")) != checksum_of(alias_from("A          ")));
}
