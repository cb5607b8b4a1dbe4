#include "agent/model/base64.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace basecache::model;

TEST_CASE("base64 gives the test vectors of RFC 4648, both ways") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& row : rows) {
    const auto& bytes = row.first;
    const auto& text = row.second;
    CAPTURE(bytes);
    CHECK(base64_encode(bytes) == text);
    CHECK(base64_decode(text) == std::string(bytes));
  }
}

TEST_CASE("every byte value survives base64, the two last letters of the alphabet included") {
  std::string bytes;
  for (int value = 0; value < 256; ++value) bytes += static_cast<char>(value);
  const std::string text = base64_encode(bytes);
  CHECK(text.find('+') != std::string::npos);
  CHECK(text.find('/') != std::string::npos);
  CHECK(base64_decode(text) == bytes);
}

TEST_CASE("line breaks in base64 are ignored, wherever they stand") {
  CHECK(base64_decode("Zm9v\nYmFy\n") == "foobar");
  CHECK(base64_decode("Zm9vY\r\nmFy") == "foobar");
  CHECK(base64_decode("Zg=\n=") == "f");
  CHECK(base64_decode("\r\n") == "");
}

TEST_CASE("text that is not base64 is refused, not guessed at") {
  const std::pair<const char*, std::string> rows[] = {
      {"padding is missing", "Zg"},
      {"one character alone", "Z"},
      {"padding is short", "Zg="},
      {"padding is all there is", "===="},
      {"three of it", "Z==="},
      {"padding in the middle", "Zg==Zg=="},
      {"padding inside a group", "Z=g="},
      {"a blank", "Zm9v YmF"},
      {"a blank at the front", " Zm9vYmFyZm9v"},
      {"a blank in place of a letter", "Zm9 "},
      {"a tab", "Zm9v\tYmF"},
      {"the URL alphabet", "-_-_"},
      {"a character outside", "Zm9*"},
      {"a byte above ASCII", "Zm9\xc3"},
      {"a zero byte", std::string("Zm9\0", 4)},
  };
  for (const auto& row : rows) {
    const auto& what = row.first;
    const auto& text = row.second;
    CAPTURE(what);
    CHECK_FALSE(base64_decode(text).has_value());
  }
}
