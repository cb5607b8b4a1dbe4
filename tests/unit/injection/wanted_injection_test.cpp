#include "agent/injection/wanted_injection.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace basecache;
using namespace basecache::injection;

namespace {

model::InstanceSpec spec(const nlohmann::json& more) {
  nlohmann::json request = {{"uuid", "9a2d629d-0000-4000-8000-000000000001"}, {"image_ref", "http://r.example/i"}};
  request.update(more);
  return model::InstanceSpec::make(request);
}

const nlohmann::json kAll = {{"key_data", "ssh-ed25519 AAAA me"},
                             {"metadata", {{"role", "web"}}},
                             {"admin_pass", "geheim"},
                             {"injected_files", {{{"path", "/etc/motd"}, {"contents", "aGVsbG8="}}}}};
constexpr InjectionSettings kEverything{.partition = kInspect, .key = true, .password = true};

std::vector<std::string> kinds(const std::optional<Injection>& injection) {
  std::vector<std::string> names;
  if (injection) {
    for (const Item& item : injection->items) names.emplace_back(name_of(item.kind));
  }
  return names;
}

}  // namespace

TEST_CASE("what is injected is decided as Nova decides it") {
  struct Row {
    const char* what;
    nlohmann::json request;
    InjectionSettings settings;
    std::string network_file;
    std::vector<std::string> kinds;
    int partition;
  };
  const auto with = [](nlohmann::json more) {
    nlohmann::json all = kAll;
    all.update(more);
    return all;
  };
  const std::vector<std::string> all{"key", "net", "metadata", "admin_password", "files"};
  for (const Row& row : {
           Row{"everything", kAll, kEverything, "auto lo\n", all, kInspect},
           Row{"switched off", kAll, {.partition = kSwitchedOff, .key = true, .password = true}, "auto lo\n", {}, 0},
           Row{"Nova's defaults", kAll, {}, "auto lo\n", {}, 0},
           Row{"no key",
               kAll,
               {.partition = 1, .key = false, .password = true},
               "",
               {"metadata", "admin_password", "files"},
               1},
           Row{"no password", kAll, {.partition = 1, .key = true}, "", {"key", "metadata", "files"}, 1},
           Row{"nothing to put in", nlohmann::json::object(), kEverything, "", {}, 0},
           Row{"a network alone", nlohmann::json::object(), kEverything, "auto lo\n", {"net"}, kInspect},
           Row{"the whole disk", kAll, {.partition = 0}, "", {"metadata", "files"}, kWholeDisk},
           Row{"a kernel of its own",
               with({{"kernel_id", "http://r.example/k"}}),
               {.partition = 3},
               "",
               {"metadata", "files"},
               kWholeDisk},
           Row{"a container", kAll, {.partition = 3, .is_container = true}, "", {"metadata", "files"}, kWholeDisk},
           Row{"a rescue",
               with({{"suffix", ".rescue"}}),
               kEverything,
               "",
               {"key", "metadata", "admin_password"},
               kInspect},
       }) {
    CAPTURE(row.what);
    const auto injection = wanted_injection(spec(row.request), row.settings, row.network_file);
    CHECK(kinds(injection) == row.kinds);
    CHECK(injection.has_value() == !row.kinds.empty());
    if (injection) CHECK(injection->partition == row.partition);
  }
}

TEST_CASE("files alone are mandatory") {
  const auto injection = wanted_injection(spec(kAll), kEverything, "auto lo\n");
  REQUIRE(injection);
  CHECK(injection->has_mandatory());
  for (const Item& item : injection->items) CHECK(item.is_mandatory() == (item.kind == ItemKind::files));
  Injection rest = *injection;
  rest.items.pop_back();
  CHECK_FALSE(rest.has_mandatory());
}

TEST_CASE("the password goes no further than its crypt") {
  const auto injection = wanted_injection(spec(kAll), kEverything, "");
  REQUIRE(injection);
  CHECK(injection->items[2].kind == ItemKind::admin_password);
  CHECK(injection->items[2].text.starts_with("$6$"));
  CHECK(injection->items[2].text.find("geheim") == std::string::npos);
}

TEST_CASE("metadata is written as Python's json.dumps writes it") {
  CHECK(metadata_text({}) == "{}");
  CHECK(metadata_text({{"b", "2"}, {"a", "say \"1\"\n"}}) == R"({"a": "say \"1\"\n", "b": "2"})");
  CHECK(metadata_text({{"name", "Jürgen"}}) == R"({"name": "J\u00fcrgen"})");
}
