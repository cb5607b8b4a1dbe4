#include "agent/metadata/hostname.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

using namespace basecache;
using namespace basecache::metadata;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a hostname is made of the display name as Nova makes it") {
  // As nova.utils.sanitize_hostname of Nova 26.2.2 answered.
  const std::pair<std::string, std::string> rows[] = {
      {"web", "web"},
      {"Web Server_1.example", "web-server-1-example"},
      {"--web--", "web"},
      {"..web..", "web"},
      {"web/../../etc", "web----etc"},
      {"w\u00e4b", "w\u00e4b"},
      {"\u00c4\u00d6\u00dc \u00df", "\u00e4\u00f6\u00fc-\u00df"},
      {"a\u00d7b\u00f7c", "abc"},
      {"\u00b5\u00b2\u00bd\u00b0", "\u00b5\u00b2\u00bd"},
      {"\u4e2d web", "web"},
      {"a!b@c#", "abc"},
      {"a\nb", "ab"},
      {"1", "1"},
      {std::string(63, 'a') + "b", std::string(63, 'a')},
      {std::string(62, 'a') + "-b", std::string(62, 'a')},
      {repeated("\u00e9", 64), repeated("\u00e9", 63)},
      {repeated("\u4e2d", 64) + "b", "b"},
      {"\xc3", ""},
      {"\xff\xc3(a", "a"},
      {"", ""},
      {"---", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.first);
    CHECK(hostname_from(row.first) == row.second);
  }
}

TEST_CASE("the hostname that a guest is told has the domain behind it") {
  const auto told = [](const std::string& field, const std::string& value, const std::string& domain) {
    return hostname_of(model::InstanceSpec::make({{"uuid", kUuid}, {field, value}}), domain);
  };
  CHECK(told("name", "Web 1", "novalocal") == "web-1.novalocal");
  CHECK(told("name", "Web 1", "") == "web-1");
  CHECK(told("hostname", "web.example", "novalocal") == "web.example.novalocal");
  CHECK(told("name", "\u4e2d\u6587", "") == "Server-" + kUuid);
  CHECK(told("name", "", "x.test") == "server-" + kUuid + ".x.test");
}
