#include "backends/qemu/image_description.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::qemu;

namespace {

ErrorCode refusal_of(const ImageDescription& seen) {
  try {
    check_agreement(seen, {.format = model::DiskFormat::qcow2, .virtual_size = Bytes{4096}});
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("qemu-img's words are read") {
  const auto plain = ImageDescription::parse(R"({"virtual-size": 4096, "filename": "/x", "format": "qcow2",
      "format-specific": {"type": "qcow2", "data": {"compat": "1.1"}}})");
  CHECK(plain.format == "qcow2");
  CHECK(plain.virtual_size == Bytes{4096});
  CHECK_FALSE(plain.has_backing_file);
  CHECK_FALSE(plain.has_external_file);
  const auto linked = ImageDescription::parse(R"({"virtual-size": 1, "format": "qcow2", "backing-filename": "/b",
      "format-specific": {"type": "qcow2", "data": {"data-file": "/d"}}})");
  CHECK(linked.has_backing_file);
  CHECK(linked.has_external_file);
  const auto vmdk = ImageDescription::parse(R"({"virtual-size": 1, "format": "vmdk", "filename": "/dev/fd/3",
      "format-specific": {"data": {"create-type": "monolithicFlat", "extents": [{"filename": "/etc/shadow"}]}}})");
  CHECK(vmdk.create_type == "monolithicFlat");
  CHECK(vmdk.has_external_file);
}

TEST_CASE("words that aren't qemu-img's are a failed tool") {
  for (const char* text : {"", "{}", "[]", R"({"format": 3, "virtual-size": 1})", R"({"format": "raw"})",
                           R"({"format": "raw", "virtual-size": 1, "format-specific": 3})"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(ImageDescription::parse(text), Error);
  }
}

TEST_CASE("an image is refused unless QEMU sees what the inspector saw, in one file") {
  CHECK_NOTHROW(check_agreement({.format = "qcow2", .virtual_size = Bytes{4096}},
                                {.format = model::DiskFormat::qcow2, .virtual_size = Bytes{4096}}));
  CHECK(refusal_of({.format = "raw", .virtual_size = Bytes{4096}}) == ErrorCode::image_unacceptable);
  CHECK(refusal_of({.format = "qcow2", .virtual_size = Bytes{8192}}) == ErrorCode::image_unacceptable);
  CHECK(refusal_of({.format = "qcow2", .virtual_size = Bytes{4096}, .has_backing_file = true}) ==
        ErrorCode::image_unacceptable);
  CHECK(refusal_of({.format = "qcow2", .virtual_size = Bytes{4096}, .has_external_file = true}) ==
        ErrorCode::image_unacceptable);
}

TEST_CASE("of VMDK's kinds only those are taken that hold the disk themselves") {
  const fetch::InspectionVerdict verdict{.format = model::DiskFormat::vmdk, .virtual_size = Bytes{4096}};
  for (const char* taken : {"monolithicSparse", "streamOptimized"}) {
    CHECK_NOTHROW(check_agreement({.format = "vmdk", .virtual_size = Bytes{4096}, .create_type = taken}, verdict));
  }
  for (const char* refused : {"monolithicFlat", "vmfs", "twoGbMaxExtentSparse", ""}) {
    CHECK_THROWS_AS(check_agreement({.format = "vmdk", .virtual_size = Bytes{4096}, .create_type = refused}, verdict),
                    Error);
  }
}
