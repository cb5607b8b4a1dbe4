#include "agent/cache/base_file_builder.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

const std::vector<std::string> kOnlyState{".basecache"};

ErrorCode build_error(FakeNode& node, const model::BaseFileSpec& spec) {
  OpContext op = test_operation();
  try {
    node.builder.build(spec, op);
  } catch (const Error& error) {
    CHECK(error.message().starts_with("cannot prepare base file of"));
    return error.code();
  }
  FAIL("the build did not fail");
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("a raw image becomes a read-only base file with a record and leaves no staged file") {
  FakeNode node("plain bytes");
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base(), op);
  CHECK(read_file(base.path()) == "plain bytes");
  CHECK(base.format() == model::DiskFormat::raw);
  CHECK(base.virtual_size() == Bytes{11});
  CHECK(names_in(node.layout.base_directory()) == std::vector<std::string>{".basecache", base.key().text()});
  struct stat found {};
  REQUIRE(::stat(base.path().c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0444);
  const auto record = cache::read_record(node.layout, base.key());
  REQUIRE(record);
  CHECK(record->origin == "http://registry.example/image");
  CHECK(record->source_digest->algorithm == DigestAlgorithm::sha256);
}

TEST_CASE("an image that isn't raw is confirmed and converted when force_raw_images is on") {
  FakeNode node("QFI cow image");
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base(), op);
  CHECK(node.converter.confirmed == 1);
  CHECK(base.format() == model::DiskFormat::raw);
  CHECK(read_file(base.path()) == "RAW cow image");
  CHECK(cache::read_record(node.layout, base.key())->source_format == model::DiskFormat::qcow2);
}

TEST_CASE("an image that isn't raw is confirmed and kept as it came when force_raw_images is off") {
  FakeNode node("QFI cow image", {.force_raw_images = false});
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base(), op);
  CHECK(node.converter.confirmed == 1);
  CHECK(base.format() == model::DiskFormat::qcow2);
  CHECK(read_file(base.path()) == "QFI cow image");
}

TEST_CASE("no failure leaves a staged or a visible file") {
  const Digest wrong{.algorithm = DigestAlgorithm::sha256, .hex = std::string(64, '0')};
  struct Row {
    const char* what;
    std::string image;
    void (*arrange)(FakeNode&);
    ErrorCode expected;
  };
  const Row rows[] = {
      {"source breaks off", "bytes", [](FakeNode& n) { n.source.fails = true; }, ErrorCode::source_unavailable},
      {"inspector refuses", "BAD image", [](FakeNode&) {}, ErrorCode::image_unacceptable},
      {"empty image", "", [](FakeNode&) {}, ErrorCode::image_unacceptable},
      {"size is not the record's", "bytes", [](FakeNode& n) { n.source.size = Bytes{7}; },
       ErrorCode::image_unacceptable},
      {"conversion fails", "QFI image", [](FakeNode& n) { n.converter.fails = true; }, ErrorCode::tool_failed},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeNode node(row.image);
    row.arrange(node);
    CHECK(build_error(node, image_base()) == row.expected);
    CHECK(names_in(node.layout.base_directory()) == kOnlyState);
    CHECK(names_in(node.layout.record_directory()).empty());
  }
  FakeNode promised("bytes");
  promised.source.promised = wrong;
  CHECK(build_error(promised, image_base()) == ErrorCode::checksum_mismatch);
  FakeNode demanded("bytes");
  CHECK(build_error(demanded, image_base("http://registry.example/image", wrong)) == ErrorCode::checksum_mismatch);
  CHECK(names_in(demanded.layout.base_directory()) == kOnlyState);
}

TEST_CASE("the promised and the demanded digest are both verified, and the demanded one is recorded") {
  FakeNode node("bytes", {.allow_md5 = true});
  node.source.promised = Digest::parse("md5:" + hex_digest(DigestAlgorithm::md5, "bytes"));
  const Digest demanded = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, "bytes"));
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base("http://registry.example/image", demanded), op);
  CHECK(cache::read_record(node.layout, base.key())->source_digest == demanded);
}

TEST_CASE("a promised md5 is verified whether allowed or not; only when allowed it is what is recorded") {
  const Digest wrong = Digest::parse("md5:" + std::string(32, '0'));
  for (const bool allow_md5 : {false, true}) {
    FakeNode node("bytes", {.allow_md5 = allow_md5});
    node.source.promised = wrong;
    CHECK(build_error(node, image_base()) == ErrorCode::checksum_mismatch);
    node.source.promised = Digest::parse("md5:" + hex_digest(DigestAlgorithm::md5, "bytes"));
    OpContext op = test_operation();
    const auto base = node.builder.build(image_base(), op);
    const DigestAlgorithm kept = allow_md5 ? DigestAlgorithm::md5 : DigestAlgorithm::sha256;
    CHECK(cache::read_record(node.layout, base.key())->source_digest->algorithm == kept);
  }
  FakeNode demanded("bytes");
  CHECK(build_error(demanded, image_base("http://registry.example/image", wrong)) == ErrorCode::checksum_mismatch);
}

TEST_CASE("an image whose bytes aren't those that were signed is refused") {
  FakeNode node("bytes");
  node.verifier.signed_bytes = "other bytes";
  CHECK(build_error(node, image_base()) == ErrorCode::checksum_mismatch);
  CHECK(names_in(node.layout.base_directory()) == kOnlyState);
  node.verifier.signed_bytes = "bytes";
  OpContext op = test_operation();
  CHECK(read_file(node.builder.build(image_base(), op).path()) == "bytes");
}

TEST_CASE("ephemeral and swap base files are formatted at their full size under Nova's names") {
  FakeNode node("unused");
  OpContext op = test_operation();
  const auto ephemeral = node.builder.build(model::EphemeralBase{1, "ext4"}, op);
  CHECK(ephemeral.key().text() == "ephemeral_1_40d1d2c");
  CHECK(node.formatter.formatted == "ext4 ephemeral0 1073741824");
  const auto another = node.builder.build(model::EphemeralBase{1, "ext4", 1}, op);
  CHECK(another.key() != ephemeral.key());
  CHECK(node.formatter.formatted == "ext4 ephemeral1 1073741824");
  const auto swap = node.builder.build(model::SwapBase{.mebibytes = 256}, op);
  CHECK(swap.key().text() == "swap_256");
  CHECK(node.formatter.formatted == "swap 268435456");
  CHECK(swap.virtual_size() == mebibytes(256));
}

TEST_CASE("a command that replaces the file, or changes its size, makes no base file") {
  FakeNode node("unused");
  const model::EphemeralBase blank{1, model::MkfsCommand::parse("odd %(target)s").value()};
  node.formatter.in_format = [](const Path& file) {
    remove_file(file);
    write_file(file, "another");
  };
  CHECK(build_error(node, blank) == ErrorCode::tool_failed);
  node.formatter.in_format = [](const Path& file) { boost::filesystem::resize_file(file, 512); };
  CHECK(build_error(node, blank) == ErrorCode::tool_failed);
  CHECK(names_in(node.layout.base_directory()) == kOnlyState);
}

TEST_CASE("a kernel is neither decoded nor converted, and refused when it is a disk image") {
  FakeNode raw("vmlinuz");
  raw.decoder.disk = "decoded";
  OpContext op = test_operation();
  CHECK(read_file(raw.builder.build(boot_file_base(), op).path()) == "vmlinuz");
  CHECK(raw.decoder.beginnings.empty());
  CHECK_FALSE(cache::read_record(raw.layout, model::key_of(image_base()))->is_boot_file_only);
  FakeNode cow("QFI cow image");
  CHECK(build_error(cow, boot_file_base()) == ErrorCode::image_unacceptable);
  CHECK(names_in(cow.layout.base_directory()) == kOnlyState);
}

TEST_CASE("what only a kernel may be is recorded as that") {
  FakeNode node("ZIP kernel");
  CHECK(build_error(node, image_base()) == ErrorCode::image_unacceptable);
  OpContext op = test_operation();
  const auto base = node.builder.build(boot_file_base(), op);
  CHECK(cache::read_record(node.layout, base.key())->is_boot_file_only);
  CHECK(base.serves(model::ImageUse::boot_file));
  CHECK_FALSE(base.serves(model::ImageUse::disk));
}

TEST_CASE("an inherited base file may be a kernel") {
  FakeNode node("unused");
  OpContext op = test_operation();
  write_file(node.layout.base_file(model::key_of(image_base())), "ZIP kernel from nova");
  CHECK_THROWS_AS(node.builder.adopt(image_base(), op), Error);
  CHECK_FALSE(node.builder.adopt(boot_file_base(), op).serves(model::ImageUse::disk));
}

TEST_CASE("an inherited base file is inspected once and gets a record") {
  FakeNode node("unused");
  OpContext op = test_operation();
  const auto key = model::key_of(model::BaseFileSpec(image_base()));
  write_file(node.layout.base_file(key), "bytes from nova");
  CHECK_FALSE(cache::BaseFile::find(node.layout, key));
  const auto base = node.builder.adopt(image_base(), op);
  CHECK(cache::read_record(node.layout, base.key())->content_digest.value_or("").starts_with("sectors-xxh3:"));
  CHECK(base.virtual_size() == Bytes{15});
  CHECK(cache::BaseFile::find(node.layout, key));
}

TEST_CASE("an inherited base file that the inspector refuses is not taken over") {
  FakeNode node("unused");
  OpContext op = test_operation();
  const auto key = model::key_of(model::BaseFileSpec(image_base()));
  write_file(node.layout.base_file(key), "BAD bytes from nova");
  CHECK_THROWS_AS(node.builder.adopt(image_base(), op), Error);
  CHECK_FALSE(cache::BaseFile::find(node.layout, key));
}

TEST_CASE("a record doesn't hold for another file that came to stand at the base file's path") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base(), op);
  remove_file(base.path());
  CHECK_FALSE(cache::read_record(node.layout, base.key()));
  write_file(base.path(), "what a Nova has fetched since");
  CHECK_FALSE(cache::read_record(node.layout, base.key()));
  CHECK_FALSE(cache::BaseFile::find(node.layout, base.key()));
}

TEST_CASE("a record holds whenever its base file was used, and whatever its mode") {
  FakeNode node("bytes");
  OpContext op = test_operation();
  const auto base = node.builder.build(image_base(), op);
  boost::filesystem::last_write_time(base.path(), 0);
  boost::filesystem::permissions(base.path(), static_cast<boost::filesystem::perms>(0644));
  CHECK(cache::read_record(node.layout, base.key()));
}

TEST_CASE("what stands at a base file's path and is no regular file is told, not opened") {
  FakeNode node("unused");
  OpContext op = test_operation();
  const Path path = node.layout.base_file(model::key_of(model::BaseFileSpec(image_base())));
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);  // opening it would wait for its writer
  try {
    node.builder.adopt(image_base(), op);
    FAIL("taken over");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::storage_unusable);
    CHECK(error.message().find(path.native()) != std::string::npos);
  }
}
