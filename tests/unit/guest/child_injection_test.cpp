#include "backends/guest/child_injection.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "agent/base/error.hpp"
#include "backends/guest/inject_program.hpp"
#include "backends/guest/unsupported_file_system.hpp"
#include "tests/unit/guest/guest_image.hpp"

using namespace basecache;
using namespace basecache::guest;
using namespace basecache::test;
using injection::ItemKind;

namespace {

// What a child does that a guest has taken over; the first byte of its disk says which.
void be(char takeover) {
  if (takeover == 'c') __builtin_trap();
  if (takeover == 'w') ::_exit(::pwrite(kDiskFd, "x", 1, 0) == -1 ? 41 : 42);
  if (takeover == 'o') {
    const std::uint64_t beyond[3] = {1 << 30, 8, 0};
    (void)!::write(kChangesFd, beyond, sizeof beyond);
    (void)!::write(STDOUT_FILENO, "[]", 2);
    ::_exit(0);
  }
  if (takeover == 't') {
    (void)!::write(STDOUT_FILENO, "[{\"item\":\"all\",\"why\":1}]", 24);
    ::_exit(0);
  }
}

// The child is the program that runs: this one. Before doctest's main.
[[gnu::constructor]] void run_as_child(int argc, const char* const* argv, const char* const*) {
  if (argc != 2 || std::string_view(argv[1]) != kInjectArgument) return;
  char takeover = 0;
  if (::pread(kDiskFd, &takeover, 1, 0) == 1) be(takeover);
  run_if_injector(argc, argv);
}

Error error_of_takeover(const char* takeover) {
  const GuestImage guest({"mkfs.ext2"});
  const UniqueFd image = open_file(guest.image, O_WRONLY);
  write_all_at(image.get(), std::as_bytes(std::span(takeover, 1)), 0, guest.image);
  try {
    guest.inject(every_item());
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "unreachable");
}

std::string words(const Error& error) { return error.message(); }

// Of the one item that is mandatory.
std::string why_not(const GuestImage& guest, const std::string& path, const std::string& bytes = "x") {
  const auto failures = guest.inject({files_item({{path, bytes}})});
  guest.check();
  return failures.empty() ? "" : failures.front().why;
}

}  // namespace

TEST_CASE("every item goes into every kind of ext file system, which is sound afterwards") {
  const std::vector<std::vector<std::string>> all{
      {"mkfs.ext2"},
      {"mkfs.ext2", "-b", "1024"},
      {"mkfs.ext3"},
      {"mkfs.ext4"},
      {"mkfs.ext4", "-b", "1024"},
      {"mkfs.ext4", "-b", "2048", "-I", "128"},
      {"mkfs.ext4", "-O", "^metadata_csum,uninit_bg"},
      {"mkfs.ext4", "-O", "64bit,metadata_csum,metadata_csum_seed"},
      {"mkfs.ext4", "-O", "^64bit,^extents,^metadata_csum"},
      {"mkfs.ext4", "-O", "inline_data"},
      {"mkfs.ext4", "-O", "orphan_file"},
      {"mkfs.ext4", "-O", "meta_bg,^resize_inode"},
      {"mkfs.ext4", "-O", "ea_inode,large_dir"},
      {"mkfs.ext4", "-O", "^has_journal,sparse_super2"},
      {"mkfs.ext4", "-O", "casefold,encrypt,verity"},
  };
  for (const auto& mkfs : all) {
    CAPTURE(mkfs.back());
    const GuestImage guest(mkfs);
    CHECK(guest.inject(every_item()).empty());
    guest.check();
    CHECK(guest.content("/root/.ssh/authorized_keys").ends_with("\nssh-ed25519 AAAA me\n"));
    CHECK(guest.debugfs("stat /root/.ssh").find("Mode:  0700") != std::string::npos);
    CHECK(guest.debugfs("stat /root/.ssh/authorized_keys").find("Mode:  0600") != std::string::npos);
    CHECK(guest.content("/etc/network/interfaces") == "auto lo\niface lo inet loopback\n");
    CHECK(guest.content("/meta.js") == R"({"role": "web"})");
    CHECK(guest.content("/etc/shadow") == "root:$6$salt$crypt:19000:0:99999:7:::\nbin:*:19000::::::\n");
    CHECK(guest.debugfs("stat /etc/shadow").find("Mode:  0640") != std::string::npos);
    CHECK(guest.content("/etc/motd") == "welcome\n");
    CHECK(guest.content("/srv/deep/er/bytes") == std::string("\0\1\2", 3));
    CHECK(guest.debugfs("stat /srv/deep/er").find("Mode:  0744") != std::string::npos);
    CHECK(guest.debugfs("stat /srv/deep").find("Mode:  0755") != std::string::npos);
    CHECK(guest.debugfs("stat /srv/deep").find("User:     0   Group:     0") != std::string::npos);
  }
}

TEST_CASE("what is put in twice is there once, but for the key") {
  const GuestImage guest;
  guest.inject(every_item());
  guest.inject(every_item());
  guest.check();
  const std::string keys = guest.content("/root/.ssh/authorized_keys");
  CHECK(keys.substr(keys.size() / 2) == keys.substr(0, keys.size() / 2));
  CHECK(guest.content("/etc/motd") == "welcome\n");
}

TEST_CASE("large files replace large files") {
  const GuestImage guest({"mkfs.ext4", "-b", "1024", "-O", "^extents,^64bit,^metadata_csum"});
  CHECK(why_not(guest, "/big", std::string(500'000, 'a')).empty());
  CHECK(why_not(guest, "/big", std::string(3'000, 'b')).empty());
  CHECK(guest.content("/big") == std::string(3'000, 'b'));
}

TEST_CASE("a directory with an index takes more names, and stays sound") {
  const GuestImage guest({"mkfs.ext4", "-b", "1024"});
  std::vector<model::InjectedFile> files;
  for (int i = 0; i < 400; ++i) files.push_back({"/etc/a-rather-long-name-of-a-file-" + std::to_string(i), "x"});
  CHECK(guest.inject({files_item(files)}).empty());
  run_tool({"sh", "-c", "e2fsck -fyD " + guest.image.native() + " >&2 || test $? -le 1"});
  REQUIRE(guest.debugfs("stat /etc").find("Flags: 0x81000") != std::string::npos);  // it has an index
  CHECK(why_not(guest, "/etc/one-more").empty());
  CHECK(guest.content("/etc/one-more") == "x");
  CHECK(guest.content("/etc/a-rather-long-name-of-a-file-7") == "x");
}

TEST_CASE("symbolic links are followed inside the guest") {
  const GuestImage guest;
  for (const char* request :
       {"symlink /etc/motd ../run/motd", "mkdir /run", "symlink /absolute /run", "symlink /chain absolute",
        "symlink /long ././././././././././././././././././././././././././././././././././././././absolute"}) {
    guest.debugfs(request, true);
  }
  CHECK(why_not(guest, "/etc/motd", "dangling").empty());
  CHECK(guest.content("/run/motd") == "dangling");
  CHECK(why_not(guest, "/chain/a", "by two").empty());
  CHECK(guest.content("/run/a") == "by two");
  CHECK(why_not(guest, "/long/b", "slow").empty());
  CHECK(guest.content("/run/b") == "slow");
  CHECK(why_not(guest, "/run/../etc/./c", "dots").empty());
  CHECK(guest.content("/etc/c") == "dots");
}

TEST_CASE("what a hostile guest does is an error, and the file system as it was") {
  const GuestImage guest;
  for (const char* request : {"symlink /up ../../etc", "symlink /loop /loop", "symlink /a /b/x", "symlink /b /a/x",
                              "mknod device c 1 3", "mknod pipe p", "mkdir /directory"}) {
    guest.debugfs(request, true);
  }
  guest.debugfs("write " + (guest.tree / "etc" / "passwd").native() + " fixed", true);
  guest.debugfs("set_inode_field /fixed flags 0x80010", true);
  guest.check();
  const std::string before = run_tool({"sha256sum", guest.image.native()});
  CHECK(why_not(guest, "/up/x").find("leads above the guest's root") != std::string::npos);
  CHECK(why_not(guest, "/../x").find("leads above the guest's root") != std::string::npos);
  CHECK(why_not(guest, "/loop").find("too many symbolic links") != std::string::npos);
  CHECK(why_not(guest, "/a/y").find("too many symbolic links") != std::string::npos);
  CHECK(why_not(guest, "/device").find("isn't a regular file") != std::string::npos);
  CHECK(why_not(guest, "/pipe").find("isn't a regular file") != std::string::npos);
  CHECK(why_not(guest, "/directory").find("isn't a regular file") != std::string::npos);
  CHECK(why_not(guest, "/etc/passwd/x").find("isn't a directory") != std::string::npos);
  CHECK(why_not(guest, "/fixed").find("marked so") != std::string::npos);
  CHECK(why_not(guest, "/" + std::string(256, 'n')).find("too long") != std::string::npos);
  CHECK(run_tool({"sha256sum", guest.image.native()}) == before);
}

TEST_CASE("of an item that fails nothing is put in, of the others all") {
  const GuestImage guest;
  guest.debugfs("symlink /root/.ssh ../../etc", true);
  std::vector<injection::Item> items = every_item();
  items.back() = files_item({{"/first", "x"}, {"/etc/passwd/second", "x"}});
  const auto failures = guest.inject(items);
  guest.check();
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].kind == ItemKind::key);
  CHECK(failures[1].kind == ItemKind::files);
  CHECK(guest.content("/meta.js") == R"({"role": "web"})");
  CHECK(guest.debugfs("ls /").find("first") == std::string::npos);
}

TEST_CASE("a guest without users keeps its shadow") {
  const GuestImage guest;
  guest.debugfs("rm /etc/passwd", true);
  const auto failures = guest.inject({text_item(ItemKind::admin_password, "$6$x")});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].why.find("no '/etc/passwd'") != std::string::npos);
  CHECK(failures[0].why.find("$6$") == std::string::npos);
}

TEST_CASE("a full file system takes nothing, and stays sound") {
  const GuestImage guest({"mkfs.ext4", "-m", "0"}, mebibytes(8));
  std::string filler(1 << 20, 'f');
  write_file(guest.scratch / "filler", filler + filler + filler + filler + filler + filler + filler);
  run_tool(
      {"sh", "-c",
       "debugfs -w -R 'write " + (guest.scratch / "filler").native() + " /filler' " + guest.image.native() + " 2>&1"});
  run_tool({"sh", "-c", "e2fsck -fy " + guest.image.native() + " >&2 || test $? -le 1"});
  CHECK_FALSE(why_not(guest, "/big", std::string(400'000, 'a')).empty());
}

TEST_CASE("what isn't ext, or needs its kernel, is left alone") {
  struct Row {
    std::vector<std::string> mkfs;
    std::string request;
  };
  for (const Row& row : {Row{{"mkfs.ext4"}, "feature needs_recovery"}, Row{{"mkfs.ext4", "-O", "quota"}, ""},
                         Row{{"mkfs.ext4", "-O", "bigalloc"}, ""}, Row{{"mkfs.ext4", "-O", "mmp"}, ""},
                         Row{{"mkfs.ext4"}, "ssv state 0"}, Row{{"mkfs.ext4"}, "ssv state 3"},
                         Row{{"mkfs.ext4"}, "ssv last_orphan 12"}, Row{{"mkfs.ext4"}, "feature read-only"}}) {
    CAPTURE(row.request);
    const GuestImage guest(row.mkfs);
    if (!row.request.empty()) guest.debugfs(row.request, true);
    CHECK_THROWS_AS(guest.inject(every_item()), UnsupportedFileSystem);
  }
}

TEST_CASE("what has no magic is no ext file system") {
  const GuestImage guest;
  const UniqueFd image = open_file(guest.image, O_WRONLY);
  write_all_at(image.get(), std::as_bytes(std::span("\0\0", 2)), 1024 + 56, guest.image);
  CHECK_THROWS_AS(guest.inject(every_item()), UnsupportedFileSystem);
}

TEST_CASE("a broken file system is an error") {
  for (const char* request : {"ssv blocks_count 99999999", "ssv inodes_per_group 0", "ssv log_block_size 31",
                              "ssv first_data_block 77", "ssv inode_size 7", "ssv blocks_per_group 1"}) {
    CAPTURE(std::string(request));
    const GuestImage guest({"mkfs.ext2"});
    guest.debugfs(request, true);
    bool failed = false;
    try {
      failed = !guest.inject(every_item()).empty();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::image_unacceptable);
      failed = true;
    } catch (const UnsupportedFileSystem&) {
      failed = true;
    }
    CHECK(failed);
  }
}

TEST_CASE("a child that the guest has taken over can't write its disk, and its end is an error") {
  CHECK(words(error_of_takeover("w")).find("exited with 41") != std::string::npos);
  CHECK(words(error_of_takeover("c")).find("ended by signal 4") != std::string::npos);
  CHECK(words(error_of_takeover("o")).find("changes that can't be") != std::string::npos);
  CHECK(error_of_takeover("t").code() == ErrorCode::tool_failed);
}

TEST_CASE("a child tells one failure of each item that was asked for, and no more") {
  const injection::Injection asked{0, {text_item(ItemKind::key, "k"), text_item(ItemKind::metadata, "{}")}};
  const auto failures =
      failures_from(to_text({{ItemKind::key, "a\nb"}, {ItemKind::metadata, std::string(999, 'x')}}), asked);
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].why.find('\n') == std::string::npos);
  CHECK(failures[1].why.size() < 420);
  CHECK_THROWS_AS((void)failures_from(to_text({{ItemKind::key, "a"}, {ItemKind::key, "b"}}), asked), Error);
  CHECK_THROWS_AS((void)failures_from(to_text({{ItemKind::files, "a"}}), asked), Error);
}
