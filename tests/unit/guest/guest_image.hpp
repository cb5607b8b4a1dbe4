#pragma once

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <string>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "backends/guest/child_injection.hpp"
#include "backends/sandbox/sandbox.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

namespace basecache::test {

// A guest's disk that is one file system, made by the real mkfs.
struct GuestImage {
  explicit GuestImage(const std::vector<std::string>& mkfs = {"mkfs.ext4"}, Bytes size = mebibytes(32)) {
    for (const char* directory : {"etc", "root"}) make_directories(tree / directory);
    write_file(tree / "etc" / "passwd", "root:x:0:0:root:/root:/bin/sh\n");
    write_file(tree / "etc" / "shadow", "root:*:19000:0:99999:7:::\nbin:*:19000::::::\n");
    boost::filesystem::permissions(tree / "etc" / "shadow", static_cast<boost::filesystem::perms>(0640));
    write_file(image, "");
    boost::filesystem::resize_file(image, size.count);
    std::vector<std::string> command = mkfs;
    command.insert(command.end(), {"-q", "-F", "-d", tree.native(), "-E", "root_owner=0:0", image.native()});
    run_tool(command);
  }

  // debugfs(8), to look at it and to make it hostile; "-w" writes.
  std::string debugfs(const std::string& request, bool writes = false) const {
    std::vector<std::string> command{"debugfs", "-R", request, image.native()};
    if (writes) command.insert(command.begin() + 1, "-w");
    return run_tool(command);
  }
  // Of data within its inode, debugfs shows the room behind it too.
  std::string content(const std::string& path) const {
    std::string bytes = debugfs("cat " + path);
    while (bytes.ends_with('\0')) bytes.pop_back();
    return bytes;
  }
  // Fails unless the file system is sound.
  void check() const { run_tool({"e2fsck", "-fn", image.native()}); }

  // In a child, written to the image then.
  std::vector<guest::ItemFailure> inject(const std::vector<injection::Item>& items, int partition = 0) const {
    OpContext op = test_operation();
    const UniqueFd disk = open_file(image, O_RDONLY);
    const std::uint64_t size = length_of(disk.get(), image).count;
    const auto done = guest::inject_by_child(sandbox, disk.get(), {size, {partition, items}}, op);
    const UniqueFd written = open_file(image, O_WRONLY);
    for (const guest::DiskChange& change : done.changes) {
      write_all_at(written.get(), change.bytes, change.offset, image);
    }
    return done.failures;
  }

  ScratchDir scratch;
  Path tree = scratch / "tree";
  Path image = scratch / "disk";
  sandbox::Sandbox sandbox;
};

inline injection::Item text_item(injection::ItemKind kind, std::string text) { return {kind, std::move(text), {}}; }
inline injection::Item files_item(std::vector<model::InjectedFile> files) {
  return {injection::ItemKind::files, {}, std::move(files)};
}

// One of each kind.
inline std::vector<injection::Item> every_item() {
  return {text_item(injection::ItemKind::key, "ssh-ed25519 AAAA me"),
          text_item(injection::ItemKind::network, "auto lo\niface lo inet loopback\n"),
          text_item(injection::ItemKind::metadata, R"({"role": "web"})"),
          text_item(injection::ItemKind::admin_password, "$6$salt$crypt"),
          files_item({{"/etc/motd", "welcome\n"}, {"/srv/deep/er/bytes", std::string("\0\1\2", 3)}})};
}

}  // namespace basecache::test
