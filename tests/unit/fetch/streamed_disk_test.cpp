#include "agent/fetch/streamed_disk.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"
#include "agent/fetch/image_stream.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/fetch/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

const std::string kImage = "QFI" + std::string(1021, 'i');
const std::string kDisk(4096, 'd');
const std::size_t kPiece = fetch::StagedTransfer::kPiece.count;  // less isn't seen by those who read behind a stream
const std::string kLongImage = "QFI" + std::string(2 * kPiece, 'i');

layout::CacheLayout prepared(const Path& directory) {
  layout::CacheLayout layout(directory);
  layout::prepare_directories(layout);
  return layout;
}

struct Place {
  Place() {
    decoder.disk = kDisk;
    decoder.at_end = [this] {
      ++ended;
      disk_was_there = boost::filesystem::exists(raw_disk);
    };
  }

  void bring(std::string_view bytes) {
    transfer.append(bytes_of(bytes));
    transfer.flush();
    disk->follow(transfer.fd(), transfer.size(), op);
  }
  ErrorCode failure(Bytes virtual_size) {
    try {
      (void)std::move(*disk).finish(virtual_size, op);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::already_exists;
  }
  fetch::ImageStream stream() {
    const model::ImageRecord record{.ref = image_base().ref, .name = "x", .disk_format = {}, .size = {}, .digest = {}};
    return fetch::ImageStream(record, {.expected = expected},
                              fetch::StagedTransfer(layout, model::CacheKey::for_image("streamed"), "x"), inspector,
                              nullptr, std::move(disk), op);
  }

  ScratchDir scratch;
  layout::CacheLayout layout = prepared(scratch.path());
  model::CacheKey key = model::CacheKey::for_image("an image");
  Path raw_disk = layout.converted(key);
  OpContext op = test_operation();
  FakeInspector inspector;
  FakeDecoder decoder;
  std::vector<Digest> expected;
  int ended = 0;  // decodings
  bool disk_was_there = false;
  fetch::StagedTransfer transfer{layout, key, "x"};
  std::optional<fetch::StreamedDisk> disk{std::in_place, decoder, raw_disk};
};

}  // namespace

TEST_CASE("decoding begins when enough has arrived to see what it is, and not before") {
  Place p;
  p.bring(kImage.substr(0, 511));
  CHECK_FALSE(*p.disk);
  CHECK(p.decoder.beginnings.empty());
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
  p.bring(kImage.substr(511, 100));
  CHECK(*p.disk);
  CHECK(p.decoder.beginnings == std::vector{kImage.substr(0, 512)});
  CHECK(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("a beginning of zeros, which are to become a hole, is told like any other") {
  Place p;
  p.bring(std::string(8192, '\0'));
  CHECK(p.decoder.beginnings == std::vector{std::string(512, '\0')});
}

TEST_CASE("each arrival is told") {
  Place p;
  p.bring(kImage.substr(0, 600));
  p.bring(kImage.substr(600, 1));
  p.bring(kImage.substr(601));
  CHECK(p.decoder.arrivals == std::vector{Bytes{600}, Bytes{601}, Bytes{1024}});
  CHECK(p.decoder.beginnings.size() == 1);
}

TEST_CASE("for what the decoder doesn't know it is asked once, and there is no disk") {
  Place p;
  p.decoder.disk.reset();
  p.bring(kImage);
  p.bring(kImage);
  CHECK_FALSE(*p.disk);
  CHECK(p.decoder.beginnings.size() == 1);
  CHECK(p.decoder.arrivals.empty());
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("an image that begins anew is decoded anew, and may be of another kind") {
  Place p;
  p.bring(kImage);
  p.disk->restart();
  p.transfer.start({});
  CHECK(p.ended == 1);
  CHECK(p.disk_was_there);
  CHECK_FALSE(*p.disk);
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
  p.bring(std::string(600, 'x'));
  CHECK(*p.disk);
  CHECK(p.decoder.beginnings.back() == std::string(512, 'x'));
  p.disk->restart();
  p.transfer.start({});
  p.decoder.disk.reset();
  p.bring(kImage);
  CHECK_FALSE(*p.disk);
}

TEST_CASE("the whole disk is what was decoded, with its sum") {
  Place p;
  p.bring(kImage);
  const fetch::SummedFile made = std::move(*p.disk).finish(Bytes{4096}, p.op);
  CHECK(p.ended == 1);
  CHECK(made.file.path() == p.raw_disk);
  CHECK(made.file.size() == Bytes{4096});
  CHECK(read_file(p.raw_disk) == kDisk);
  SectorSum sum;
  sum.add(bytes_of(kDisk), 0);
  CHECK(made.sum == sum);
}

TEST_CASE("a disk of another size than the image's is no disk") {
  Place p;
  p.bring(kImage);
  p.decoder.told_size = Bytes{8192};
  CHECK(p.failure(Bytes{4096}) == ErrorCode::internal);
}

TEST_CASE("what the decoder says at the end is said, and the disk goes") {
  Place p;
  p.bring(kImage);
  p.decoder.failure = Error(ErrorCode::image_unacceptable, "damaged");
  CHECK(p.failure(Bytes{4096}) == ErrorCode::image_unacceptable);
  p.disk.reset();
  CHECK(p.ended == 1);
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("where a disk is given up half way, its decoding ends before its file goes") {
  Place p;
  p.bring(kImage);
  p.disk.reset();
  CHECK(p.ended == 1);
  CHECK(p.disk_was_there);
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("an image is decoded while its stream arrives, and its disk is there once it is inspected") {
  Place p;
  auto stream = p.stream();
  stream.start({.size = {}, .version = ""});
  stream.write(bytes_of(kLongImage).first(kPiece));
  CHECK(p.decoder.arrivals == std::vector{Bytes{kPiece}});
  stream.write(bytes_of(kLongImage).subspan(kPiece));
  stream.verify();
  p.decoder.told_size = Bytes{kLongImage.size()};  // which FakeInspector finds
  auto image = fetch::InspectedImage::inspect(std::move(stream).finish(), model::ImageUse::disk, p.inspector, p.op);
  CHECK(p.ended == 0);
  CHECK(image.finish_disk(p.op).value().file.path() == p.raw_disk);
  CHECK(p.ended == 1);
}

TEST_CASE("bytes that are refuted aren't decoded any more, those that come after them are") {
  Place p;
  p.expected = {Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, kImage))};
  auto stream = p.stream();
  stream.start({.size = {}, .version = ""});
  stream.write(bytes_of(std::string(1024, 'x')));
  CHECK_THROWS_AS(stream.verify(), Error);
  CHECK(p.ended == 1);
  stream.start({.size = {}, .version = ""});
  stream.write(bytes_of(kImage));
  stream.verify();
  CHECK(p.decoder.beginnings == std::vector{std::string(512, 'x'), kImage.substr(0, 512)});
  CHECK(p.ended == 1);
}

TEST_CASE("a stream that is given up half way ends its decoding before the disk goes") {
  Place p;
  {
    auto stream = p.stream();
    stream.start({.size = {}, .version = ""});
    stream.write(bytes_of(kLongImage));
    CHECK(p.ended == 0);
  }
  CHECK(p.ended == 1);
  CHECK(p.disk_was_there);
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("an image that is refused after it has arrived ends its decoding") {
  Place p;
  p.inspector.refused = "QFI";
  auto stream = p.stream();
  stream.start({.size = {}, .version = ""});
  stream.write(bytes_of(kImage));
  stream.verify();
  CHECK_THROWS_AS(
      (void)fetch::InspectedImage::inspect(std::move(stream).finish(), model::ImageUse::disk, p.inspector, p.op),
      Error);
  CHECK(p.ended == 1);
  CHECK_FALSE(boost::filesystem::exists(p.raw_disk));
}

TEST_CASE("an image that everybody may read and nobody else write is decoded from its own file") {
  Place p;
  const Path file = p.scratch.path() / "local";
  write_file(file, kImage);
  boost::filesystem::permissions(file, boost::filesystem::others_read | boost::filesystem::owner_all);
  const UniqueFd opened = open_file(file, O_RDONLY);
  fetch::ImageStream stream = p.stream();
  stream.start({.size = Bytes{kImage.size()}, .version = "", .file = opened.get()});
  stream.verify();
  fetch::InspectedImage image =
      fetch::InspectedImage::inspect(std::move(stream).finish(), model::ImageUse::disk, p.inspector, p.op);
  CHECK(sizes_of(p.layout.fetched(model::CacheKey::for_image("streamed"))).apparent == Bytes{0});
  CHECK(read_file(image.path()) == kImage);
  CHECK(image.digest()->hex == hex_digest(DigestAlgorithm::sha256, kImage));
  p.decoder.told_size = image.verdict().virtual_size;
  SUBCASE("and becomes a disk") {
    const auto disk = image.finish_disk(p.op);
    REQUIRE(disk);
    CHECK(read_file(disk->file.path()) == kDisk);
  }
  SUBCASE("unless somebody writes to it meanwhile") {
    write_file(file, kImage + "more");
    CHECK_THROWS_AS(image.check_unchanged(), Error);
    try {
      (void)image.finish_disk(p.op);
      FAIL("the change went unseen");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::source_unavailable);
    }
  }
}

TEST_CASE("an image that others may write, or not read, or that isn't decoded, becomes a copy first") {
  using enum boost::filesystem::perms;
  struct Row {
    std::string image;
    boost::filesystem::perms others;
    bool decodes;
  };
  for (const Row& row :
       {Row{kImage, no_perms, true}, Row{kImage, others_read | others_write, true},
        Row{kImage, others_read | group_write, true}, Row{std::string(1024, 'r'), others_read, false}}) {
    CAPTURE(static_cast<int>(row.others));
    Place p;
    if (!row.decodes) p.decoder.disk.reset();
    const Path file = p.scratch.path() / "local";
    write_file(file, row.image);
    boost::filesystem::permissions(file, owner_read | owner_write | row.others);
    const UniqueFd opened = open_file(file, O_RDONLY);
    fetch::ImageStream stream = p.stream();
    stream.start({.size = Bytes{row.image.size()}, .version = "", .file = opened.get()});
    stream.verify();
    const auto image =
        fetch::InspectedImage::inspect(std::move(stream).finish(), model::ImageUse::disk, p.inspector, p.op);
    CHECK(image.path() == p.layout.fetched(model::CacheKey::for_image("streamed")));
    CHECK(read_file(image.path()) == row.image);
    CHECK_FALSE(image.digest());  // nobody promised one
  }
}
