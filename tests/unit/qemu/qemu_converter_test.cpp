#include "backends/qemu/qemu_converter.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::test;
using model::DiskFormat;

namespace {

// 64 MiB with a little at the beginning and at the end, in `format`.
struct Image {
  explicit Image(DiskFormat image_format) : format(image_format) {
    write_file(dir / "source", "the beginning");
    boost::filesystem::resize_file(dir / "source", size.count - 3);
    write_file(dir / "end", read_file(dir / "source") + "end");
    // subformat=fixed sizes and VHD's geometry would change the size; force_size keeps it.
    std::vector<std::string> argv{"qemu-img", "convert", "-f", "raw", "-O", std::string(model::qemu_name(format))};
    if (format == DiskFormat::vpc) argv.insert(argv.end(), {"-o", "force_size=on"});
    argv.insert(argv.end(), {(dir / "end").native(), (dir / "image").native()});
    run_tool(argv);
  }
  fetch::InspectionVerdict verdict() const { return {.format = format, .virtual_size = size}; }

  ScratchDir dir;
  DiskFormat format;
  Bytes size = mebibytes(64);
  sandbox::Sandbox sandbox;
  qemu::ConfinedQemuImg confined{sandbox};
  qemu::QemuConverter converter{confined};
};

ErrorCode refusal_of(Image& image, const fetch::InspectionVerdict& verdict) {
  OpContext op = test_operation();
  try {
    image.converter.confirm(image.dir / "image", verdict, op);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("every format becomes a sparse raw file of the virtual size with the same content") {
  for (const DiskFormat format :
       {DiskFormat::qcow2, DiskFormat::vmdk, DiskFormat::vpc, DiskFormat::vhdx, DiskFormat::vdi}) {
    CAPTURE(model::qemu_name(format));
    Image image(format);
    OpContext op = test_operation();
    image.converter.confirm(image.dir / "image", image.verdict(), op);
    image.converter.to_raw(image.dir / "image", image.verdict(), image.dir / "raw", op);
    CHECK(read_file(image.dir / "raw") == read_file(image.dir / "end"));
    CHECK(sizes_of(image.dir / "raw").allocated < mebibytes(1));
  }
}

TEST_CASE("progress goes from nothing to the virtual size, under the key of the base file") {
  Image image(DiskFormat::qcow2);
  std::vector<Progress> seen;
  OpContext op = test_operation({}, [&](const Progress& progress) { seen.push_back(progress); });
  image.converter.to_raw(image.dir / "image", image.verdict(), image.dir / "0123.converted", op);
  REQUIRE(seen.size() >= 2);
  CHECK(seen.front().done == 0);
  CHECK(seen.back().done == image.size.count);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i].step == "convert");
    CHECK(seen[i].subject == "0123");
    CHECK(seen[i].total == image.size.count);
    if (i > 0) CHECK(seen[i - 1].done <= seen[i].done);
  }
}

TEST_CASE("an image that QEMU sees differently is not confirmed") {
  Image image(DiskFormat::qcow2);
  CHECK(refusal_of(image, {.format = DiskFormat::qcow2, .virtual_size = mebibytes(63)}) ==
        ErrorCode::image_unacceptable);
  CHECK(refusal_of(image, {.format = DiskFormat::vdi, .virtual_size = image.size}) == ErrorCode::image_unacceptable);
}

TEST_CASE("an image with a backing file is not confirmed") {
  Image image(DiskFormat::qcow2);
  run_tool({"qemu-img", "rebase", "-u", "-f", "qcow2", "-b", (image.dir / "end").native(), "-F", "raw",
            (image.dir / "image").native()});
  CHECK(refusal_of(image, image.verdict()) == ErrorCode::image_unacceptable);
}

TEST_CASE("an image with a data file is not confirmed") {
  Image image(DiskFormat::qcow2);
  const std::string data = (image.dir / "data").native();
  run_tool(
      {"qemu-img", "create", "-q", "-f", "qcow2", "-o", "data_file=" + data, (image.dir / "image").native(), "64M"});
  CHECK(refusal_of(image, image.verdict()) == ErrorCode::image_unacceptable);
}

TEST_CASE("a damaged image is unacceptable, not a failure of the tool") {
  Image image(DiskFormat::qcow2);
  // Its first L2 entry points into an odd place of the file.
  std::string bytes = read_file(image.dir / "image");
  bytes.at(4 * 65536 + 6) = '\x03';
  write_file(image.dir / "image", bytes);
  OpContext op = test_operation();
  try {
    image.converter.to_raw(image.dir / "image", image.verdict(), image.dir / "raw", op);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::image_unacceptable);
  }
}

TEST_CASE("a conversion that is cancelled stops") {
  Image image(DiskFormat::qcow2);
  std::stop_source stop;
  OpContext op = test_operation(stop.get_token(), [&](const Progress&) { stop.request_stop(); });
  CHECK_THROWS_AS(image.converter.to_raw(image.dir / "image", image.verdict(), image.dir / "raw", op), Cancelled);
}
