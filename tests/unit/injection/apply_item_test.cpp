#include "agent/injection/apply_item.hpp"

#include <doctest/doctest.h>

#include <map>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::injection;

namespace {

// Files by their path, directories as "" with their mode behind.
class FakeTree : public GuestTree {
 public:
  bool has(const std::string& path) override { return files.contains(path) || modes.contains(path); }
  std::string read_file(const std::string& path) override {
    if (!files.contains(path)) throw Error(ErrorCode::image_unacceptable, "the guest has no " + path);
    return files[path];
  }
  void make_directory(const std::string& path, mode_t mode) override { modes[path] = mode; }
  void write_file(const FileChange& change) override {
    files[change.path] = (change.appends ? files[change.path] : "") + change.bytes;
    if (change.mode) modes[change.path] = *change.mode;
  }

  std::map<std::string, std::string> files;
  std::map<std::string, mode_t> modes;
};

Item item(ItemKind kind, std::string text) { return {kind, std::move(text), {}}; }

}  // namespace

TEST_CASE("a key is appended to root's, which only root may read") {
  FakeTree tree;
  tree.files["/root/.ssh/authorized_keys"] = "ssh-rsa OLD\n";
  apply_item(item(ItemKind::key, "\n ssh-ed25519 AAAA me \r\n"), tree);
  CHECK(tree.files["/root/.ssh/authorized_keys"] ==
        "ssh-rsa OLD\n\n# The following ssh key was injected by Nova\nssh-ed25519 AAAA me\n");
  CHECK(tree.modes["/root/.ssh"] == 0700);
  CHECK(tree.modes["/root/.ssh/authorized_keys"] == 0600);
  CHECK(tree.files.size() == 1);
}

TEST_CASE("a guest with SELinux gives the key its context at boot") {
  struct Row {
    std::vector<std::string> there;
    std::string script;
    std::string begin;
  };
  for (const Row& row :
       {Row{{}, "/etc/rc.local", "#!/bin/sh\n"}, Row{{"/etc/rc.d"}, "/etc/rc.d/rc.local", "#!/bin/sh\n"},
        Row{{"/etc/rc.d", "/etc/rc.local"}, "/etc/rc.local", "/etc/rc.local\n"},
        Row{{"/etc/rc.d", "/etc/rc.d/rc.local"}, "/etc/rc.d/rc.local", "/etc/rc.d/rc.local\n"}}) {
    CAPTURE(row.script);
    FakeTree tree;
    tree.modes["/etc/selinux"] = 0755;
    for (const std::string& path : row.there) tree.files[path] = path;
    apply_item(item(ItemKind::key, "ssh-rsa K"), tree);
    CHECK(tree.files[row.script] == row.begin +
                                        "# Added by Nova to ensure injected ssh keys have the right context\n"
                                        "restorecon -RF root/.ssh 2>/dev/null || :\n");
    CHECK(tree.modes[row.script] == 0700);
  }
}

TEST_CASE("network file and metadata replace what is there") {
  FakeTree tree;
  tree.files["/etc/network/interfaces"] = tree.files["/meta.js"] = "old";
  apply_item(item(ItemKind::network, "auto lo\n"), tree);
  apply_item(item(ItemKind::metadata, "{}"), tree);
  CHECK(tree.files["/etc/network/interfaces"] == "auto lo\n");
  CHECK(tree.modes["/etc/network"] == 0744);
  CHECK(tree.files["/meta.js"] == "{}");
}

TEST_CASE("the password goes into shadow, if passwd has root too") {
  FakeTree tree;
  tree.files["/etc/shadow"] = "root:*:1::::::\n";
  CHECK_THROWS_AS(apply_item(item(ItemKind::admin_password, "$6$x"), tree), Error);
  tree.files["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\n";
  apply_item(item(ItemKind::admin_password, "$6$x"), tree);
  CHECK(tree.files["/etc/shadow"] == "root:$6$x:1::::::\n");
  CHECK(tree.files["/etc/passwd"] == "root:x:0:0::/root:/bin/sh\n");
}

TEST_CASE("files replace what is there, in directories that are made where they are missing") {
  FakeTree tree;
  tree.modes["/etc"] = 0755;
  tree.files["/etc/motd"] = "old";
  apply_item({ItemKind::files, {}, {{"/etc/motd", "new"}, {"/srv/a/b", std::string("\0x", 2)}, {"/top", ""}}}, tree);
  CHECK(tree.files["/etc/motd"] == "new");
  CHECK(tree.files["/srv/a/b"] == std::string("\0x", 2));
  CHECK(tree.files.contains("/top"));
  CHECK(tree.modes == std::map<std::string, mode_t>{{"/etc", 0755}, {"/srv/a", 0744}});
}
