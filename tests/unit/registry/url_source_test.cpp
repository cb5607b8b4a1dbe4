#include "backends/registry/url_source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/registry/received_image.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::registry;

namespace {

http::HttpSettings impatient() {
  http::HttpSettings settings;
  settings.retry.retries = 0;
  return settings;
}

// `images` is listed, `elsewhere` beside it is not.
struct Directories {
  Directories() {
    make_directories(images / "deep");
    make_directories(elsewhere);
    write_file(images / "image", "bytes");
    write_file(elsewhere / "secret", "secret");
  }

  static model::ImageRef ref(const std::string& url) { return model::ImageRef::parse(url, "image_ref"); }
  static std::string url_of(const Path& path) { return "file://" + path.native(); }

  model::ImageRecord describe(const std::string& url) {
    OpContext op = test_operation();
    return source.describe(ref(url), op);
  }
  ReceivedImage fetch(const model::ImageRecord& record) {
    OpContext op = test_operation();
    ReceivedImage received;
    source.fetch(record, received, op);
    return received;
  }
  // What both ways to the file say.
  std::optional<ErrorCode> refusal(const std::string& url) {
    const auto described = code_of([&] { (void)describe(url); });
    const auto fetched = code_of([&] {
      (void)fetch({.ref = ref(url), .name = {}, .disk_format = {}, .size = {}, .digest = {}, .properties = {}});
    });
    CHECK(described == fetched);
    return fetched;
  }
  std::optional<ErrorCode> refusal(const Path& path) { return refusal(url_of(path)); }

  ScratchDir scratch;
  Path images = scratch / "images";
  Path elsewhere = scratch / "elsewhere";
  http::HttpLibrary library;
  http::HttpClient client{library, impatient()};
  FileUrls files{{images}};
  UrlSource source{client, files};
};

}  // namespace

TEST_CASE("a file of a listed directory is described and fetched") {
  Directories here;
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  CHECK(record.name == "image");
  CHECK(record.size == Bytes{5});
  CHECK_FALSE(record.disk_format);
  CHECK_FALSE(record.digest);
  const ReceivedImage received = here.fetch(record);
  CHECK(received.starts == 1);
  CHECK(received.announced == Bytes{5});
  CHECK(received.bytes == "bytes");
}

TEST_CASE("a file is found below a listed directory, and however its URL is spelt") {
  Directories here;
  write_file(here.images / "deep" / "a b%", "deep");
  const std::string root = here.url_of(here.images);
  for (const std::string& url : {root + "/deep/a%20b%25", root + "//deep/./%61%20b%25", root + "/deep%2fa%20b%25"}) {
    CAPTURE(url);
    CHECK(here.fetch(here.describe(url)).bytes == "deep");
  }
}

TEST_CASE("a file that isn't there isn't found") {
  Directories here;
  CHECK(here.refusal(here.images / "absent") == ErrorCode::image_not_found);
  CHECK(here.refusal(here.images / "image" / "below") == ErrorCode::image_not_found);
}

TEST_CASE("a file elsewhere is forbidden, there or not, and the hint names the setting") {
  Directories here;
  CHECK(here.refusal(here.elsewhere / "secret") == ErrorCode::forbidden);
  CHECK(here.refusal(here.elsewhere / "absent") == ErrorCode::forbidden);
  CHECK(here.refusal(Path("/etc/passwd")) == ErrorCode::forbidden);
  CHECK(here.refusal(Path(here.images.native() + "-not") / "image") == ErrorCode::forbidden);
  CHECK(here.refusal(here.images) == ErrorCode::forbidden);
  const auto error = error_of([&] { (void)here.describe("file:///etc/passwd"); });
  REQUIRE(error);
  CHECK(error->hint().find("[basecache] file_url_directories") != std::string::npos);
}

TEST_CASE("without listed directories every file is forbidden") {
  Directories here;
  const FileUrls no_files({});
  UrlSource none(here.client, no_files);
  OpContext op = test_operation();
  const auto error = error_of([&] { (void)none.describe(here.ref(here.url_of(here.images / "image")), op); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::forbidden);
  CHECK(error->hint().find("[basecache] file_url_directories") != std::string::npos);
}

TEST_CASE("encoded dots don't lead out of the directory") {
  Directories here;
  const std::string root = here.url_of(here.images);
  CHECK(here.refusal(root + "/%2e%2e/elsewhere/secret") == ErrorCode::invalid_request);
  CHECK(here.refusal(root + "/deep/%2e%2E%2f%2e./elsewhere/secret") == ErrorCode::invalid_request);
}

TEST_CASE("a URL that hides bytes or has a query is refused") {
  Directories here;
  const std::string url = here.url_of(here.images / "image");
  CHECK(here.refusal(url + "%00.qcow2") == ErrorCode::invalid_request);
  CHECK(here.refusal(url + "%0a") == ErrorCode::invalid_request);
  CHECK(here.refusal(url + "?x=1") == ErrorCode::invalid_request);
  CHECK(here.refusal(url + "#x") == ErrorCode::invalid_request);
}

TEST_CASE("no symbolic link below a listed directory is followed, wherever it leads") {
  Directories here;
  boost::filesystem::create_symlink(here.elsewhere / "secret", here.images / "out");
  boost::filesystem::create_symlink("../elsewhere", here.images / "way");
  boost::filesystem::create_symlink("image", here.images / "beside");
  CHECK(here.refusal(here.images / "out") == ErrorCode::forbidden);
  CHECK(here.refusal(here.images / "way" / "secret") == ErrorCode::forbidden);
  CHECK(here.refusal(here.images / "beside") == ErrorCode::forbidden);
}

TEST_CASE("a listed directory may itself be a link, also one that stands in another listed directory") {
  Directories here;
  boost::filesystem::create_directory_symlink(here.elsewhere, here.images / "linked");
  const FileUrls files({here.images, here.images / "linked" / ""});
  UrlSource source(here.client, files);
  OpContext op = test_operation();
  CHECK(source.describe(here.ref(here.url_of(here.images / "linked" / "secret")), op).size == Bytes{6});
}

TEST_CASE("what isn't a regular file is forbidden, and a fifo doesn't hang") {
  Directories here;
  REQUIRE(::mkfifo((here.images / "fifo").c_str(), 0600) == 0);
  CHECK(here.refusal(here.images / "fifo") == ErrorCode::forbidden);
  CHECK(here.refusal(here.images / "deep") == ErrorCode::forbidden);
}

TEST_CASE("a file that grows while it is read is refused") {
  Directories here;
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  OpContext op = test_operation();
  ReceivedImage received;
  received.on_write = [&] {
    const UniqueFd fd = open_file(here.images / "image", O_WRONLY | O_APPEND);
    write_all(fd.get(), std::as_bytes(std::span("more")), here.images / "image");
  };
  CHECK(code_of([&] { here.source.fetch(record, received, op); }) == ErrorCode::source_unavailable);
}

TEST_CASE("a file that is cut while it is read is refused") {
  Directories here;
  write_file(here.images / "image", std::string(3 << 20, 'x'));
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  OpContext op = test_operation();
  ReceivedImage received;
  received.on_write = [&] { REQUIRE(::truncate((here.images / "image").c_str(), 4096) == 0); };
  CHECK(code_of([&] { here.source.fetch(record, received, op); }) == ErrorCode::source_unavailable);
}

TEST_CASE("a file that is written in place while it is read is refused") {
  Directories here;
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  OpContext op = test_operation();
  ReceivedImage received;
  received.on_write = [&] {
    const timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
    REQUIRE(::utimensat(AT_FDCWD, (here.images / "image").c_str(), times, 0) == 0);
  };
  CHECK(code_of([&] { here.source.fetch(record, received, op); }) == ErrorCode::source_unavailable);
}

TEST_CASE("a file that changed after it was described is refused before it is sent") {
  Directories here;
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  write_file(here.images / "image", "more bytes");
  OpContext op = test_operation();
  ReceivedImage received;
  CHECK(code_of([&] { here.source.fetch(record, received, op); }) == ErrorCode::source_unavailable);
  CHECK(received.starts == 0);
}

TEST_CASE("a file that is replaced while it is read arrives as it was") {
  Directories here;
  const std::string old(3 << 20, 'x');
  write_file(here.images / "image", old);
  const model::ImageRecord record = here.describe(here.url_of(here.images / "image"));
  OpContext op = test_operation();
  ReceivedImage received;
  received.on_write = [&] { replace_small_file(here.images / "image", "new"); };
  here.source.fetch(record, received, op);
  CHECK((received.bytes == old));
}

TEST_CASE("failures to open a file have the codes of an image source") {
  const auto code = [](int error_number) { return cannot_open(error_number, "/srv/image").code(); };
  CHECK(code(ENOENT) == ErrorCode::image_not_found);
  CHECK(code(ENOTDIR) == ErrorCode::image_not_found);
  CHECK(code(EACCES) == ErrorCode::source_unauthorized);
  CHECK(code(ELOOP) == ErrorCode::forbidden);
  CHECK(code(EXDEV) == ErrorCode::forbidden);
  CHECK(code(EAGAIN) == ErrorCode::source_unavailable);
  CHECK(code(ESTALE) == ErrorCode::source_unavailable);
  CHECK(code(EMFILE) == ErrorCode::busy);
  CHECK(code(EBADF) == ErrorCode::internal);
}

TEST_CASE("of an http URL nothing is asked before it is fetched, and then its body comes") {
  Directories here;
  ScriptedServer server({answer(200, "image bytes")});
  const model::ImageRecord record = here.describe(server.url("image"));
  CHECK(server.requests().empty());
  CHECK_FALSE(record.size);
  CHECK(here.fetch(record).bytes == "image bytes");
}

TEST_CASE("what the server refuses is what the caller is told") {
  Directories here;
  ScriptedServer server({answer(404, "no")});
  CHECK(code_of([&] { (void)here.fetch(here.describe(server.url("image"))); }) == ErrorCode::image_not_found);
}
