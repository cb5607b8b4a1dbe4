#include "backends/glance/image_schema.hpp"

#include <doctest/doctest.h>

#include "tests/unit/glance/glance_story.hpp"
#include "tests/unit/glance/sample_records.hpp"

using namespace basecache;
using namespace basecache::glance;

namespace {

// The error about an image that the registry of the sample wouldn't take.
Error refusal_of(const NewImage& image) {
  const auto error = error_of([&] { ImageSchema::parse(kSchema).check(image); });
  if (!error) FAIL("the image is taken");
  return *error;
}

}  // namespace

TEST_CASE("the schema tells which formats there are, without null") {
  const ImageSchema schema = ImageSchema::parse(kSchema);
  CHECK(schema.disk_formats() == std::vector<std::string>{"vmdk", "raw", "qcow2"});
  CHECK(schema.container_formats() == std::vector<std::string>{"ami", "bare", "ovf"});
}

TEST_CASE("an image as the registry wants it is taken") {
  const NewImage image{
      .id = "x",
      .name = std::string(255, 'n'),
      .disk_format = "qcow2",
      .container_format = "bare",
      .visibility = "private",
      .properties = {
          {"os_distro", "debian"}, {"cinder_encryption_key_deletion_policy", "do_not_delete"}, {"anything", "else"}}};
  CHECK_NOTHROW(ImageSchema::parse(kSchema).check(image));
  CHECK_NOTHROW(ImageSchema::parse(kSchema).check(NewImage{}));
}

TEST_CASE("a format that the registry doesn't know is refused with those it knows") {
  const Error error = refusal_of({.disk_format = "vhdx"});
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(field_of(error, "field") == "disk_format");
  CHECK(contains(error.message(), "'vhdx'"));
  CHECK(contains(error.hint(), "vmdk, raw, qcow2"));
}

TEST_CASE("each member and property is checked") {
  CHECK(field_of(refusal_of({.container_format = "box"}), "field") == "container_format");
  CHECK(field_of(refusal_of({.visibility = "secret"}), "field") == "visibility");
  CHECK(field_of(refusal_of({.name = std::string(256, 'n')}), "field") == "name");
  CHECK(field_of(refusal_of({.properties = {{"cinder_encryption_key_deletion_policy", "maybe"}}}), "field") ==
        "cinder_encryption_key_deletion_policy");
}

TEST_CASE("a length counts characters, not bytes") {
  std::string name;
  for (int i = 0; i < 255; ++i) name += "ä";
  CHECK_NOTHROW(ImageSchema::parse(kSchema).check("name", name));
}

TEST_CASE("what only the registry sets, and what is no text, is refused") {
  const ImageSchema schema = ImageSchema::parse(kSchema);
  CHECK(code_of([&] { schema.check("status", "active"); }) == ErrorCode::invalid_request);
  CHECK(code_of([&] { schema.check("min_disk", "5"); }) == ErrorCode::invalid_request);
}

TEST_CASE("a registry may take no properties of one's own") {
  const ImageSchema closed = ImageSchema::parse(R"({"properties": {}, "additionalProperties": false})");
  CHECK(code_of([&] { closed.check("anything", "x"); }) == ErrorCode::invalid_request);
  const ImageSchema open = ImageSchema::parse(R"({"properties": {}})");
  CHECK_NOTHROW(open.check("anything", "x"));
}

TEST_CASE("what is no schema is the registry's fault") {
  for (const char* text : {"{}", "[]", R"({"properties": 5})", R"({"properties": {"name": 5}})",
                           R"({"properties": {"name": {"maxLength": "x"}}})", "<html>"}) {
    CAPTURE(text);
    CHECK(code_of([&] { (void)ImageSchema::parse(text); }) == ErrorCode::source_unavailable);
  }
}
