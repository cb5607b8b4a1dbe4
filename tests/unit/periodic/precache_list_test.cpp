#include "agent/periodic/precache_list.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::periodic;
using namespace basecache::test;

namespace {

const std::string kUuid = "9a2d629d-0000-4000-8000-000000000001";
const std::string kUrl = "http://mirror/a.qcow2";

std::vector<std::string> texts(const PrecacheList& list) {
  std::vector<std::string> found;
  for (const model::ImageRef& ref : list.images) found.push_back(ref.text());
  return found;
}

}  // namespace

TEST_CASE("a list's file has a ref a line, with comments, blanks and line ends of any kind") {
  PrecacheList list;
  take_lines(list, "# golden\n\n  " + kUuid + "\t\r\n   # not me\n" + kUrl, "f");
  CHECK(texts(list) == std::vector{kUuid, kUrl});
  CHECK(list.complaints.empty());
}

TEST_CASE("a line that names no image is complained of with its number, and the others count") {
  PrecacheList list;
  take_lines(list, kUuid + "\nftp://x/y\nhttp://me:secret@x/a b\n" + kUrl + " " + kUuid + "\n" + kUrl, "/etc/list");
  CHECK(texts(list) == std::vector{kUuid, kUrl});
  REQUIRE(list.complaints.size() == 3);
  CHECK(list.complaints[0].starts_with("'/etc/list':2: image_ref: 'ftp://x/y': neither"));
  CHECK(list.complaints[1].starts_with("'/etc/list':3: "));
  CHECK(list.complaints[1].find("secret") == std::string::npos);
  CHECK(list.complaints[2].find("blanks") != std::string::npos);
}

TEST_CASE("refs and files make one list, each image once, in their order") {
  const ScratchDir scratch;
  write_file(scratch.path() / "list", kUrl + "\n" + kUuid + "\nhttp://mirror/b\n");
  const PrecacheList list = read_precache_list({kUuid, (scratch.path() / "list").string(), kUrl});
  CHECK(texts(list) == std::vector{kUuid, kUrl, std::string("http://mirror/b")});
}

TEST_CASE("a file that isn't there, isn't a file or that everybody may write to is complained of; the rest counts") {
  const ScratchDir scratch;
  const Path open = scratch.path() / "open";
  write_file(open, kUrl);
  ::chmod(open.c_str(), 0666);
  const PrecacheList list =
      read_precache_list({(scratch.path() / "gone").string(), scratch.path().string(), open.string(), kUuid});
  CHECK(texts(list) == std::vector{kUuid});
  REQUIRE(list.complaints.size() == 3);
  CHECK(list.complaints[0].find("gone': it isn't there") != std::string::npos);
  CHECK(list.complaints[2].find("everybody may write to it") != std::string::npos);
}
