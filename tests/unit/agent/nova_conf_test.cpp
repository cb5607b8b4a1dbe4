#include "agent/nova_conf.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

namespace basecache {
namespace {

std::vector<ConfigEntry> ours_in(std::string_view text) {
  const Path file = "/etc/nova/nova.conf";
  return our_options(parse_config_text(text, file), file);
}

// The value that holds, "" when there is none.
std::string value_in(std::string_view text, std::string_view section, std::string_view name) {
  std::string value;
  for (const ConfigEntry& entry : ours_in(text)) {
    if (entry.section == section && entry.name == name) value = entry.value;
  }
  return value;
}

std::string instances_path_in(std::string_view text) { return value_in(text, "DEFAULT", "instances_path"); }

std::string failure_of(std::string_view text) {
  try {
    ours_in(text);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    return error.message();
  }
  return {};
}

}  // namespace

TEST_CASE("options that aren't ours are left out, with whatever they say") {
  CHECK(ours_in("[DEFAULT]\nmy_ip = $nothing\n[database]\nconnection = mysql://a:$b@c\n").empty());
}

TEST_CASE("a state_path moves the instances, an instances_path moves them again") {
  CHECK(instances_path_in("[DEFAULT]\nstate_path = /srv/nova\n") == "/srv/nova/instances");
  CHECK(instances_path_in("[DEFAULT]\ninstances_path = /srv/x\nstate_path = /srv/nova\n") == "/srv/x");
  CHECK(instances_path_in("[other]\nstate_path = /srv/nova\n").empty());
}

TEST_CASE("references are replaced by what the file says") {
  CHECK(instances_path_in("instances_path = $state_path/i") == "/var/lib/nova/i");
  CHECK(instances_path_in("state_path = /a\ninstances_path = ${state_path}/i") == "/a/i");
  CHECK(instances_path_in("[g]\nx = /a\n[DEFAULT]\ninstances_path = $g.x") == "/a");
  CHECK(instances_path_in("a = /1\nb = $a/2\ninstances_path = $b/3") == "/1/2/3");
  CHECK(instances_path_in("a = /1\na = /2\ninstances_path = $a") == "/2");
}

TEST_CASE("an escaped '$' is a plain one") {
  CHECK(instances_path_in("instances_path = /a$$b") == "/a$b");
  CHECK(instances_path_in("instances_path = /a\\$b\\c") == "/a$b\\c");
}

TEST_CASE("a reference that can't be followed is an error at its line") {
  CHECK(failure_of("\n[image_cache]\nsubdirectory_name = _base_$my_ip\n") ==
        "'/etc/nova/nova.conf':3: [image_cache] subdirectory_name refers to 'my_ip', which this file doesn't set");
  CHECK(failure_of("a = $b\nb = $a\ninstances_path = $a").find("refers to itself") != std::string::npos);
  CHECK(failure_of("instances_path = /a$/b").find("names no option") != std::string::npos);
  CHECK(failure_of("instances_path = ${a").find("names no option") != std::string::npos);
  CHECK(failure_of("instances_path = /a$").find("names no option") != std::string::npos);
}

TEST_CASE("a name that Nova has given up still counts, unless today's name is there too") {
  CHECK(value_in("[DEFAULT]\nremove_unused_base_images = False\n", "image_cache", "remove_unused_base_images") ==
        "False");
  CHECK(value_in("[DEFAULT]\nimage_cache_subdirectory_name = b\n", "image_cache", "subdirectory_name") == "b");
  CHECK(value_in("[image_cache]\nsubdirectory_name = new\n[DEFAULT]\nimage_cache_subdirectory_name = old\n",
                 "image_cache", "subdirectory_name") == "new");
}

}  // namespace basecache
