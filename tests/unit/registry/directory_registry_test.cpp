#include "backends/registry/directory_registry.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <thread>

#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/registry/received_image.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::registry;

namespace {

const std::string kId = "0c1d2e3f-0000-4000-8000-00000000000a";
const std::string kOther = "0c1d2e3f-0000-4000-8000-00000000000b";
// printf abc | sha512sum
const std::string kDigestOfAbc =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

struct Folder {
  Folder() { write_file(source, "abc"); }

  ImageImport import_of(const std::string& id = kId) const {
    return {.file = source,
            .name = "cirros",
            .disk_format = "raw",
            .id = id,
            .container_format = "bare",
            .min_disk = 0,
            .min_ram = 0,
            .properties = {}};
  }
  StoredImage import_image(const ImageImport& import) {
    OpContext op = test_operation();
    return registry.import_image(import, op);
  }
  void remove(const std::string& id) {
    OpContext op = test_operation();
    registry.remove(id, op);
  }
  model::ImageRecord describe(const std::string& id) {
    OpContext op = test_operation();
    return registry.describe(model::ImageRef::parse(id, "image_ref"), op);
  }
  ReceivedImage fetch(const model::ImageRecord& record) {
    ReceivedImage received;
    OpContext op = test_operation();
    registry.fetch(record, received, op);
    return received;
  }
  bool has(const std::string& name) const { return boost::filesystem::exists(directory / name); }
  bool nothing_staged() const { return !has(".importing") || boost::filesystem::is_empty(directory / ".importing"); }

  ScratchDir scratch;
  Path source = scratch / "cirros.img";
  Path directory = scratch / "registry";
  DirectoryRegistry registry{directory};
};

}  // namespace

TEST_CASE("an imported image is shown, described and fetched as it was") {
  Folder folder;
  ImageImport import = folder.import_of();
  import.disk_format = "qcow2";
  import.min_disk = 1;
  import.min_ram = 64;
  import.properties = {{ "hw_disk_bus", "scsi" }};
  const StoredImage image = folder.import_image(import);

  CHECK(image.id == kId);
  CHECK(image.size == Bytes{3});
  CHECK(image.digest.text() == "sha512:" + kDigestOfAbc);
  CHECK(folder.registry.show(kId).created_at == image.created_at);
  CHECK(folder.registry.show(kId).min_ram == 64);

  const model::ImageRecord record = folder.describe(kId);
  CHECK(record.ref.text() == kId);
  CHECK(record.name == "cirros");
  CHECK(record.disk_format == "qcow2");
  CHECK(record.size == Bytes{3});
  CHECK(record.digest == image.digest);
  CHECK(record.properties.at("hw_disk_bus") == "scsi");

  const ReceivedImage received = folder.fetch(record);
  CHECK(received.starts == 1);
  CHECK(received.announced == Bytes{3});
  CHECK(received.bytes == "abc");
  CHECK(folder.nothing_staged());
}

TEST_CASE("an image without a given name or id gets the file's name and a new id") {
  Folder folder;
  ImageImport import = folder.import_of();
  import.name = "";
  import.id = std::nullopt;
  const StoredImage image = folder.import_image(import);
  CHECK(image.name == "cirros.img");
  CHECK(is_uuid(image.id));
  CHECK(folder.import_image(import).id != image.id);
  CHECK(folder.registry.list().images.size() == 2);
}

TEST_CASE("an id is found in any case, and kept in lower case") {
  Folder folder;
  const std::string upper = "0C1D2E3F-0000-4000-8000-00000000000A";
  CHECK(folder.import_image(folder.import_of(upper)).id == kId);
  CHECK(folder.registry.show(upper).id == kId);
  CHECK(folder.describe(upper).ref.text() == upper);
  CHECK(folder.fetch(folder.describe(upper)).bytes == "abc");
  folder.remove(upper);
  CHECK_FALSE(folder.has(kId));
}

TEST_CASE("what makes no sense is refused before anything is made") {
  Folder folder;
  const auto refused = [&](auto change) {
    ImageImport import = folder.import_of();
    change(import);
    const auto code = code_of([&] { folder.import_image(import); });
    CHECK_FALSE(boost::filesystem::exists(folder.directory));
    return code;
  };
  CHECK(refused([](ImageImport& import) { import.disk_format = "floppy"; }) == ErrorCode::invalid_request);
  CHECK(refused([](ImageImport& import) { import.disk_format = ""; }) == ErrorCode::invalid_request);
  CHECK(refused([](ImageImport& import) { import.id = "../../etc/x"; }) == ErrorCode::invalid_request);
  CHECK(refused([](ImageImport& import) { import.file += ".absent"; }) == ErrorCode::image_not_found);
  CHECK(refused([](ImageImport& import) { import.file = import.file.parent_path(); }) == ErrorCode::forbidden);
}

TEST_CASE("a fifo is refused without waiting for its writer") {
  Folder folder;
  ImageImport import = folder.import_of();
  import.file = folder.scratch / "fifo";
  REQUIRE(::mkfifo(import.file.c_str(), 0600) == 0);
  CHECK(code_of([&] { folder.import_image(import); }) == ErrorCode::forbidden);
}

TEST_CASE("an empty file is no image") {
  Folder folder;
  write_file(folder.source, "");
  CHECK(code_of([&] { folder.import_image(folder.import_of()); }) == ErrorCode::image_unacceptable);
}

TEST_CASE("an import through a symbolic link takes the file it leads to") {
  Folder folder;
  ImageImport import = folder.import_of();
  import.file = folder.scratch / "latest";
  boost::filesystem::create_symlink(folder.source, import.file);
  CHECK(folder.import_image(import).digest.hex == kDigestOfAbc);
  CHECK(boost::filesystem::is_regular_file(boost::filesystem::symlink_status(folder.directory / kId)));
}

TEST_CASE("a second import with the same id is refused and the first stays") {
  Folder folder;
  folder.import_image(folder.import_of());
  write_file(folder.source, "other bytes");
  CHECK(code_of([&] { folder.import_image(folder.import_of()); }) == ErrorCode::already_exists);
  CHECK(folder.fetch(folder.describe(kId)).bytes == "abc");
  CHECK(folder.nothing_staged());
}

TEST_CASE("of two imports of one id at the same time, one wins and the other is told") {
  Folder folder;
  std::optional<ErrorCode> codes[2];
  {
    std::jthread first([&] { codes[0] = code_of([&] { folder.import_image(folder.import_of()); }); });
    std::jthread second([&] { codes[1] = code_of([&] { folder.import_image(folder.import_of()); }); });
  }
  const bool first_won = !codes[0];
  CHECK_FALSE(codes[first_won ? 0 : 1]);
  CHECK(codes[first_won ? 1 : 0] == ErrorCode::already_exists);
  CHECK(folder.fetch(folder.describe(kId)).bytes == "abc");
  CHECK(folder.nothing_staged());
}

TEST_CASE("imports of different ids don't disturb each other's staged files") {
  Folder folder;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        ImageImport import = folder.import_of();
        import.id = std::nullopt;
        folder.import_image(import);
      });
    }
  }
  const ImageListing listing = folder.registry.list();
  CHECK(listing.images.size() == 8);
  CHECK(listing.damaged.empty());
  for (const StoredImage& image : listing.images) CHECK(folder.fetch(folder.describe(image.id)).bytes == "abc");
  CHECK(folder.nothing_staged());
}

TEST_CASE("holes stay holes, and the digest is that of the whole") {
  Folder folder;
  constexpr off_t size = 64 << 20;
  {
    const UniqueFd fd = open_file(folder.source, O_WRONLY | O_TRUNC);
    REQUIRE(::pwrite(fd.get(), "data", 4, 10 << 20) == 4);
    REQUIRE(::ftruncate(fd.get(), size) == 0);
  }
  std::string content(size, '\0');
  content.replace(10 << 20, 4, "data");

  const StoredImage image = folder.import_image(folder.import_of());
  CHECK(image.size == Bytes{size});
  CHECK(image.digest.hex == hex_digest(DigestAlgorithm::sha512, content));
  CHECK(sizes_of(folder.directory / kId).apparent == Bytes{size});
  CHECK(sizes_of(folder.directory / kId).allocated < mebibytes(1));
  CHECK((folder.fetch(folder.describe(kId)).bytes == content));
}

TEST_CASE("data that ends in the middle of a block arrives whole") {
  Folder folder;
  std::string content((3 << 20) + 12345, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 % 251);
  write_file(folder.source, content);
  const StoredImage image = folder.import_image(folder.import_of());
  CHECK(image.digest.hex == hex_digest(DigestAlgorithm::sha512, content));
  CHECK((folder.fetch(folder.describe(kId)).bytes == content));
}

TEST_CASE("an import reports how far it is, and its end") {
  Folder folder;
  std::vector<Progress> reports;
  OpContext op = test_operation({}, [&](const Progress& progress) { reports.push_back(progress); });
  folder.registry.import_image(folder.import_of(), op);
  REQUIRE_FALSE(reports.empty());
  CHECK(reports.back().step == "copy");
  CHECK(reports.back().subject == "cirros");
  CHECK(reports.back().done == 3);
  CHECK(reports.back().total == 3);
}

TEST_CASE("a cancelled import leaves nothing") {
  Folder folder;
  std::stop_source stop;
  stop.request_stop();
  OpContext op = test_operation(stop.get_token());
  CHECK_THROWS_AS(folder.registry.import_image(folder.import_of(), op), Cancelled);
  CHECK_FALSE(folder.has(kId));
  CHECK(folder.nothing_staged());
}

TEST_CASE("a source that is written while it is imported is refused and nothing is kept") {
  Folder folder;
  OpContext op = test_operation({}, [&](const Progress&) {
    const UniqueFd fd = open_file(folder.source, O_WRONLY | O_APPEND);
    write_all(fd.get(), std::as_bytes(std::span("more")), folder.source);
  });
  CHECK(code_of([&] { folder.registry.import_image(folder.import_of(), op); }) == ErrorCode::source_unavailable);
  CHECK_FALSE(folder.has(kId));
  CHECK(folder.nothing_staged());
}

TEST_CASE("what killed imports left is removed by the next import, wherever they were killed") {
  Folder folder;
  const Path staging = folder.directory / ".importing";
  make_directories(staging);
  write_file(staging / (kOther + ".lock"), "");
  write_file(staging / kOther, "half of");
  write_file(staging / (kOther + ".json"), "{");
  write_file(folder.directory / kOther, "published, and its record wasn't");
  folder.import_image(folder.import_of());
  CHECK_FALSE(folder.has(kOther));
  CHECK(folder.nothing_staged());
  CHECK(folder.has(kId));
}

TEST_CASE("the id of a killed import can be imported again") {
  Folder folder;
  make_directories(folder.directory / ".importing");
  write_file(folder.directory / ".importing" / kId, "half of");
  write_file(folder.directory / kId, "published, and its record wasn't");
  folder.import_image(folder.import_of());
  CHECK(folder.fetch(folder.describe(kId)).bytes == "abc");
}

TEST_CASE("the staged files of an import that is alive are left alone") {
  Folder folder;
  const Path staging = folder.directory / ".importing";
  make_directories(staging);
  FileLock lock(staging / (kOther + ".lock"));
  const ExclusiveLock held(lock);
  write_file(staging / kOther, "half of");
  folder.import_image(folder.import_of());
  CHECK(read_file(staging / kOther) == "half of");
}

TEST_CASE("an import waits for another one of its id no longer than its deadline") {
  Folder folder;
  make_directories(folder.directory / ".importing");
  FileLock lock(folder.directory / ".importing" / (kId + ".lock"));
  const ExclusiveLock held(lock);
  OpContext op("test", {}, OpContext::Clock::now());
  CHECK(code_of([&] { folder.registry.import_image(folder.import_of(), op); }) == ErrorCode::timed_out);
}

TEST_CASE("the list is sorted by name, and empty without a folder") {
  Folder folder;
  CHECK(folder.registry.list().images.empty());
  ImageImport import = folder.import_of(kId);
  import.name = "ubuntu";
  folder.import_image(import);
  import = folder.import_of(kOther);
  import.name = "debian";
  folder.import_image(import);
  const ImageListing listing = folder.registry.list();
  REQUIRE(listing.images.size() == 2);
  CHECK(listing.images[0].name == "debian");
  CHECK(listing.images[1].name == "ubuntu");
}

TEST_CASE("a damaged record doesn't stop the list, is refused by itself, and can be removed") {
  Folder folder;
  folder.import_image(folder.import_of());
  write_file(folder.directory / (kOther + ".json"), "{\"id\":");
  write_file(folder.directory / kOther, "bytes");
  const ImageListing listing = folder.registry.list();
  CHECK(listing.images.size() == 1);
  REQUIRE(listing.damaged.size() == 1);
  CHECK(listing.damaged[0].id == kOther);
  CHECK(listing.damaged[0].why.find("not JSON") != std::string::npos);
  CHECK(code_of([&] { (void)folder.registry.show(kOther); }) == ErrorCode::image_unacceptable);
  CHECK(code_of([&] { (void)folder.describe(kOther); }) == ErrorCode::image_unacceptable);
  folder.remove(kOther);
  CHECK_FALSE(folder.has(kOther));
  CHECK_FALSE(folder.has(kOther + ".json"));
}

TEST_CASE("files that aren't records are not listed") {
  Folder folder;
  folder.import_image(folder.import_of());
  write_file(folder.directory / "notes.json", "{}");
  write_file(folder.directory / "README", "");
  CHECK(folder.registry.list().images.size() == 1);
  CHECK(folder.registry.list().damaged.empty());
}

TEST_CASE("an image that isn't there is not found, and no name leads out of the folder") {
  Folder folder;
  write_file(folder.scratch / "secret.json", "{}");
  for (const std::string& id : {kId, std::string("../secret"), std::string()}) {
    CAPTURE(id);
    CHECK(code_of([&] { (void)folder.registry.show(id); }) == ErrorCode::image_not_found);
    CHECK(code_of([&] { folder.remove(id); }) == ErrorCode::image_not_found);
  }
  CHECK(code_of([&] { (void)folder.describe(kId); }) == ErrorCode::image_not_found);
  CHECK_FALSE(boost::filesystem::exists(folder.directory));
}

TEST_CASE("a removed image is gone, and its id is free") {
  Folder folder;
  folder.import_image(folder.import_of());
  const model::ImageRecord record = folder.describe(kId);
  folder.remove(kId);
  CHECK_FALSE(folder.has(kId));
  CHECK_FALSE(folder.has(kId + ".json"));
  CHECK(folder.nothing_staged());
  CHECK(code_of([&] { (void)folder.fetch(record); }) == ErrorCode::image_not_found);
  CHECK(code_of([&] { folder.remove(kId); }) == ErrorCode::image_not_found);
  CHECK_FALSE(code_of([&] { folder.import_image(folder.import_of()); }));
}

TEST_CASE("bytes that aren't as many as the record says are refused before they are sent") {
  Folder folder;
  folder.import_image(folder.import_of());
  const model::ImageRecord record = folder.describe(kId);
  boost::filesystem::remove(folder.directory / kId);
  write_file(folder.directory / kId, "ab");
  CHECK(code_of([&] { (void)folder.fetch(record); }) == ErrorCode::image_unacceptable);
}

TEST_CASE("a fetch at a limited rate ends when its operation is cancelled") {
  Folder folder;
  write_file(folder.source, std::string(3 << 20, 'x'));
  folder.import_image(folder.import_of());
  std::stop_source stop;
  OpContext op = test_operation(stop.get_token());
  op.set_transfers({.token = {}, .bytes_per_second = RateLimit(std::uint64_t{1} << 40)});
  ReceivedImage received;
  received.on_write = [&] { stop.request_stop(); };
  const model::ImageRecord record = folder.describe(kId);
  CHECK_THROWS_AS(folder.registry.fetch(record, received, op), Cancelled);
  CHECK(received.bytes.size() < (3 << 20));
}

TEST_CASE("a full sink ends a fetch with its own error") {
  Folder folder;
  folder.import_image(folder.import_of());
  OpContext op = test_operation();
  ReceivedImage received;
  received.on_write = [] { throw Error(ErrorCode::no_space, "full"); };
  const model::ImageRecord record = folder.describe(kId);
  CHECK(code_of([&] { folder.registry.fetch(record, received, op); }) == ErrorCode::no_space);
}

TEST_CASE("an image that isn't there is told from a folder that isn't mounted") {
  const auto is_missing = [](Folder& folder) {
    try {
      folder.describe(kId);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::image_not_found);
      return std::ranges::find(error.fields(), "registry", [](const auto& field) { return field.first; }) !=
             error.fields().end();
    }
    FAIL("it is there");
    return false;
  };
  Folder folder;
  CHECK(is_missing(folder));
  boost::filesystem::create_directory(folder.directory);
  CHECK(is_missing(folder));
  folder.import_image(folder.import_of());
  folder.remove(kId);
  CHECK_FALSE(is_missing(folder));
}
