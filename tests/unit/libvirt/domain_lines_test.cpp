#include "backends/libvirt/domain_lines.hpp"

#include <doctest/doctest.h>

#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::libvirt;
using basecache::test::says;

namespace {

const domain::KnownDomain kWeb{.uuid = "u-1",
                               .name = "web 'ü'",
                               .files = {{.path = "/i/disk", .format = "qcow2", .role = "disk vda"},
                                         {.path = "/i/a\nb", .format = "", .role = "disk vdb"}},
                               .is_active = true};

std::optional<Error> refusal_of(const std::string& said) {
  return test::error_of([&] {
    DomainLines lines;
    lines.take(said);
    lines.finish();
  });
}

}  // namespace

TEST_CASE("domains come back as they were told, however the bytes arrive") {
  const std::string said = line_of(kWeb) + line_of(domain::KnownDomain{.uuid = "u-2", .name = "db"}) + end_line(2);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, said.size()}) {
    CAPTURE(step);
    DomainLines lines;
    for (std::size_t at = 0; at < said.size(); at += step) lines.take(said.substr(at, step));
    const auto domains = lines.finish();
    REQUIRE(domains.size() == 2);
    CHECK(domains[0].uuid == kWeb.uuid);
    CHECK(domains[0].name == kWeb.name);
    REQUIRE(domains[0].files.size() == 2);
    CHECK(domains[0].files[1].path == kWeb.files[1].path);
    CHECK(domains[0].files[0].format == "qcow2");
    CHECK(domains[0].files[0].role == "disk vda");
    CHECK(domains[0].is_active);
    CHECK(domains[1].files.empty());
    CHECK_FALSE(domains[1].is_active);
  }
}

TEST_CASE("a list without its end, or with another count, is no list") {
  CHECK(says(refusal_of(""), "not whole"));
  CHECK(says(refusal_of(line_of(kWeb)), "not whole"));
  CHECK(says(refusal_of(line_of(kWeb) + end_line(2)), "not whole"));
  CHECK(says(refusal_of(end_line(0) + line_of(kWeb)), "not what was agreed"));
  CHECK_FALSE(refusal_of(line_of(kWeb) + end_line(1)));
}

TEST_CASE("what the lister says why it failed is the error, with its hint") {
  Error why(ErrorCode::tool_failed, "no libvirt");
  why.set_hint("start it");
  const auto error = refusal_of(line_of(kWeb) + line_of(why));
  REQUIRE(error);
  CHECK(error->message() == "no libvirt");
  CHECK(error->hint() == "start it");
}

TEST_CASE("what no lister says is refused") {
  for (const char* said : {"\n", "words\n", "[]\n", "{}\n", "{\"uuid\":1,\"name\":\"\",\"files\":[]}\n",
                           "{\"uuid\":\"\",\"name\":\"\",\"files\":[{\"path\":\"/a\"}]}\n", "{\"end\":\"x\"}\n"}) {
    CAPTURE(said);
    CHECK(says(refusal_of(said), "not what was agreed"));
  }
  CHECK(says(refusal_of(std::string(9 << 20, 'x')), "lines longer"));
}
