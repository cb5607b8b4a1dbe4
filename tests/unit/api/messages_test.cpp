#include "agent/api/messages.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "agent/base/error.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::api;
using basecache::test::FakeNode;
using nlohmann::json;

namespace {

template <class Read>
Error refusal_of(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    return error;
  }
  FAIL("was taken");
  return {ErrorCode::internal, ""};
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

}  // namespace

TEST_CASE("a body is JSON, and none at all is an empty object") {
  CHECK(parse_body(R"({"a":[1,null,"x"]})") == json{{"a", {1, nullptr, "x"}}});
  CHECK(parse_body("") == json::object());
  CHECK(parse_body(" \r\n\t") == json::object());
  CHECK(parse_body("[]") == json::array());  // what it must be is said by who reads its fields
}

TEST_CASE("a body that is no JSON is refused with the place") {
  for (const char* body : {"{", "{\"a\":}", "{'a':1}", "nonsense", "{} {}", "{\"a\":\"\xff\"}", "1e999"}) {
    CAPTURE(body);
    const Error error = refusal_of([&] { parse_body(body); });
    CHECK(error.message().starts_with("the request's body is not JSON: "));
    CHECK(error.message().size() < 1300);
  }
}

TEST_CASE("a body that nests too deep for us is refused before it is built") {
  CHECK_NOTHROW(parse_body(nested(60)));
  for (const std::size_t levels : {std::size_t{100}, std::size_t{500'000}}) {
    CHECK(refusal_of([&] { parse_body(nested(levels)); }).message() == "the request's body nests more than 64 levels");
  }
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  CHECK(refusal_of([&] { parse_body(objects); }).message() == "the request's body nests more than 64 levels");
}

TEST_CASE("bytes that aren't UTF-8 are replaced when they are written") {
  CHECK(dump({{"a", "\xff"}}) == "{\"a\":\"\xef\xbf\xbd\"}");
  CHECK(dump({{"a", "line\nbreak"}}) == R"({"a":"line\nbreak"})");  // always one line
}

TEST_CASE("a request to precache names an image") {
  const auto request =
      precache_request({{"image_ref", "http://registry.example/a"}, {"checksum", "md5:" + std::string(32, 'A')}});
  CHECK(request.image.ref.text() == "http://registry.example/a");
  CHECK(request.image.checksum->text() == "md5:" + std::string(32, 'a'));
  CHECK(request.image.use == model::ImageUse::disk);
  CHECK_FALSE(precache_request({{"image_ref", "http://registry.example/a"}}).image.checksum.has_value());
}

TEST_CASE("a request to precache says what is a kernel or a ramdisk") {
  const auto use = [](bool boot_file) {
    return precache_request({{"image_ref", "http://registry.example/a"}, {"boot_file", boot_file}}).image.use;
  };
  CHECK(use(true) == model::ImageUse::boot_file);
  CHECK(use(false) == model::ImageUse::disk);
}

TEST_CASE("a request to precache that is wrong is refused by the field's name") {
  const std::string url = "http://registry.example/a";
  const std::pair<json, const char*> rows[] = {
      {json::object(), "image_ref is missing"},
      {json::array(), "the request must be a JSON object"},
      {{{"image_ref", 1}}, "image_ref must be a string"},
      {{{"image_ref", "cirros"}}, "image_ref: 'cirros'"},
      {{{"image_ref", url}, {"checksum", "abc"}}, "checksum 'abc' is not ALGORITHM:HEX"},
      {{{"image_ref", url}, {"boot_file", "yes"}}, "boot_file must be"},
      {{{"image_ref", url}, {"force", true}}, "force is not a known field"},
  };
  for (const auto& row : rows) {
    const auto& body = row.first;
    const auto& message = row.second;
    CAPTURE(body.dump());
    const Error error = refusal_of([&] { precache_request(body); });
    CHECK(error.message().starts_with(message));
    CHECK(error.fields().at(0).first == "field");
  }
}

TEST_CASE("a pin may have a reason, a prune may be dry") {
  CHECK(pin_reason({{"reason", "golden"}}) == "golden");
  CHECK(pin_reason(json::object()).empty());
  CHECK(prune_is_dry({{"dry_run", true}}));
  CHECK_FALSE(prune_is_dry({{"dry_run", false}}));
  CHECK_FALSE(prune_is_dry(json::object()));
  CHECK(refusal_of([] { pin_reason({{"reason", std::string(1001, 'a')}}); }).message().starts_with("reason has 1001"));
  CHECK(refusal_of([] { pin_reason({{"because", "x"}}); }).message() == "because is not a known field");
  CHECK(refusal_of([] { prune_is_dry({{"dry_run", "yes"}}); }).message() == "dry_run must be true or false");
  CHECK(refusal_of([] { prune_is_dry({{"dryrun", true}}); }).hint() == "did you mean 'dry_run'?");
}

TEST_CASE("progress has a total when anybody knows it") {
  CHECK(to_json(Progress{"fetch", "image", 5, 10}) ==
        json::parse(R"({"step":"fetch","subject":"image","done":5,"total":10})"));
  CHECK(to_json(Progress{"wait", "", 0, {}}).at("total").is_null());
}

TEST_CASE("the timing of long work has its steps in order") {
  OpContext op = test::test_operation();
  op.steps().add({"fetch", std::chrono::milliseconds(1500)});
  op.steps().add({"convert", std::chrono::milliseconds(250)});
  const json shown = timing(op, std::chrono::steady_clock::now());
  CHECK(shown.at("steps") == json::parse(R"([{"name":"fetch","seconds":1.5},{"name":"convert","seconds":0.25}])"));
  CHECK(shown.at("seconds").get<double>() >= 0);
}

TEST_CASE("an instance's disks are shown with path, format, size, I/O mode and base") {
  const provision::InstanceDisks instance{
      .uuid = model::InstanceId::parse("9a2d629d-0000-4000-8000-000000000001", "uuid"),
      .disks = {{.name = "disk",
                 .path = "/i/disk",
                 .format = "qcow2",
                 .size = {4096},
                 .base = "k",
                 .io = provision::DiskIo::native,
                 .how = "hit"},
                {.name = "disk.config", .path = "/i/disk.config", .format = "iso9660", .size = {1}, .how = "kept"}}};
  CHECK(to_json(instance) == json::parse(R"({"uuid":"9a2d629d-0000-4000-8000-000000000001","disks":[
    {"name":"disk","path":"/i/disk","format":"qcow2","size_bytes":4096,"io":"native","base":"k","how":"hit"},
    {"name":"disk.config","path":"/i/disk.config","format":"iso9660","size_bytes":1,"io":"","base":"","how":"kept"}]})"));
}

TEST_CASE("a base file is shown with all that is known of it") {
  const auto key = model::CacheKey::for_swap(64);
  const cache::CacheEntry entry{
      .key = key,
      .record = cache::BaseFileRecord{.origin = "64 MiB swap space",
                                      .format = model::DiskFormat::raw,
                                      .virtual_size = {1},
                                      .source_format = model::DiskFormat::vpc,
                                      .source_digest = Digest{DigestAlgorithm::md5, std::string(32, '0')},
                                      .created = 0},
      .virtual_size = mebibytes(64),
      .allocated = {4096},
      .age = std::chrono::seconds(90),
      .leases = 2,
      .pin = "golden"};
  prune::Usage usage;
  usage.users[key] = {"instance x disk 'disk.swap'"};
  CHECK(to_json(entry, usage) == json::parse(R"({"key":"swap_64","kind":"swap","origin":"64 MiB swap space",
    "format":"raw","virtual_size_bytes":67108864,"allocated_bytes":4096,"age_seconds":90,"leases":2,"pin":"golden",
    "source_format":"vpc","source_digest":"md5:00000000000000000000000000000000",
    "content_digest":null,"rules":null,"unfit":null,"users":["instance x disk 'disk.swap'"]})"));
}

TEST_CASE("an image's base file is shown with the rules it passed, its own digest and why it is unfit") {
  cache::BaseFileRecord record{.origin = "image"};
  record.rules = 7;
  record.content_digest = "sparse-sha256:00";
  const json shown =
      to_json(cache::CacheEntry{.key = model::CacheKey::for_image("image"), .record = record, .unfit = "rotten"},
              prune::Usage{});
  CHECK(shown.at("rules") == 7);
  CHECK(shown.at("content_digest") == "sparse-sha256:00");
  CHECK(shown.at("unfit") == "rotten");
}

TEST_CASE("a verification may have a rate: none said is the usual one, 0 is no limit") {
  CHECK(verify_rate(json::object()).now() == cache::ContentCheck::kBytesPerSecond);
  CHECK(verify_rate({{"bytes_per_second", 1000}}).now() == 1000);
  CHECK_FALSE(verify_rate({{"bytes_per_second", 0}}).now());
  CHECK(refusal_of([] { verify_rate({{"rate", 1}}); }).message() == "rate is not a known field");
}

TEST_CASE("a verified base file and one in quarantine are shown") {
  CHECK(
      to_json(model::CacheKey::for_swap(64),
              cache::CheckedContent{.state = cache::ContentState::rotten, .detail = "why", .size = {9}, .read = {4}}) ==
      json::parse(R"({"key":"swap_64","state":"rotten","detail":"why","size_bytes":9,"read_bytes":4})"));
  CHECK(to_json(cache::QuarantinedFile{
            .name = "swap_64.2", .key = "swap_64", .reason = "why", .origin = {}, .found = 5, .allocated = {4096}}) ==
        json::parse(R"({"name":"swap_64.2","key":"swap_64","reason":"why","origin":null,"found":5,
                        "allocated_bytes":4096})"));
}

TEST_CASE("what isn't known of an inherited base file is null") {
  const json shown = to_json(cache::CacheEntry{.key = model::CacheKey::for_swap(64)}, prune::Usage{});
  for (const char* field : {"origin", "format", "pin", "source_format", "source_digest"}) {
    CAPTURE(field);
    CHECK(shown.at(field).is_null());
  }
  CHECK(shown.at("users") == json::array());
}

TEST_CASE("a lease is shown as the base file that it holds") {
  FakeNode node("image bytes");
  OpContext op = test::test_operation();
  const auto lease = node.images.acquire(test::image_base(), op);
  const json shown = to_json(lease);
  CHECK(shown.at("key") == model::CacheKey::for_image("http://registry.example/image").text());
  CHECK(shown.at("path") == lease.base().path().native());
  CHECK(shown.at("format") == "raw");
  CHECK(shown.at("virtual_size_bytes") == 11);
  CHECK(shown.at("how") == "built");
}

TEST_CASE("a prune report counts what it removed and kept") {
  prune::PruneReport report{
      .dry_run = true, .decisions = {}, .freed = {4096}, .unreadable = {"why"}, .refusals_forgotten = 3};
  report.capacity = {.max_bytes = Bytes{5}, .min_free = {1}, .used = {7}, .free = {9}};
  report.staying = {.under_disks = {4}, .pinned = {3}};
  report.decisions.push_back({.entry = {.name = "swap_64",
                                        .key = model::CacheKey::for_swap(64),
                                        .allocated = {4096},
                                        .age = std::chrono::seconds(90)},
                              .remove = true,
                              .reason = "unused"});
  report.decisions.push_back({.entry = {.name = "notes.txt", .key = {}}, .remove = false, .reason = "unexplained"});
  CHECK(to_json(report) == json::parse(R"({"dry_run":true,"freed_bytes":4096,"removed":1,"kept":1,"decisions":[
    {"name":"swap_64","remove":true,"reason":"unused","allocated_bytes":4096,"age_seconds":90},
    {"name":"notes.txt","remove":false,"reason":"unexplained","allocated_bytes":0,"age_seconds":0}],
    "refusals_forgotten":3,"unreadable":["why"],
    "capacity":{"used_bytes":7,"max_bytes":5,"free_bytes":9,"min_free_bytes":1,"excess_bytes":2},
    "staying":{"under_disks_bytes":4,"leased_bytes":0,"pinned_bytes":3,"quarantined_bytes":0,"others_bytes":0}})"));
}
