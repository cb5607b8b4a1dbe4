#include "agent/base/write_behind.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <thread>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kLength = std::size_t{128} << 20;
constexpr std::size_t kPiece = std::size_t{1} << 20;

bool keeps_all_in_memory(const Path& directory) {
  struct statfs found {};
  REQUIRE(::statfs(directory.c_str(), &found) == 0);
  return found.f_type == TMPFS_MAGIC || found.f_type == OVERLAYFS_SUPER_MAGIC;
}

std::size_t bytes_in_memory(int fd) {
  void* mapped = ::mmap(nullptr, kLength, PROT_READ, MAP_SHARED, fd, 0);
  REQUIRE(mapped != MAP_FAILED);
  std::vector<unsigned char> pages(kLength / 4096);
  REQUIRE(::mincore(mapped, kLength, pages.data()) == 0);
  ::munmap(mapped, kLength);
  return static_cast<std::size_t>(std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; })) *
         4096;
}

void write_large(int fd, const Path& path, WriteBehind& behind) {
  const std::vector<std::byte> piece(kPiece, std::byte{'x'});
  for (std::size_t written = 0; written < kLength; written += kPiece) {
    write_all(fd, piece, path);
    behind.wrote(Bytes{kPiece});
  }
}

// From here on this thread gets `error` for sync_file_range(2).
bool refuse_write_behind(int error) {
  std::array<sock_filter, 4> program{{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sync_file_range, 0, 1),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)),
                                      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// What is said of a window that the disk answers so.
std::optional<ErrorCode> said_of(int disk_error) {
  ScratchDir scratch;
  const Path path = scratch.path() / "file";
  const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  std::optional<ErrorCode> said;
  bool refused = false;
  std::thread([&] {
    refused = refuse_write_behind(disk_error);
    try {
      WriteBehind(fd.get(), path).wrote(WriteBehind::kWindow);
    } catch (const Error& error) {
      said = error.code();
    }
  }).join();
  REQUIRE(refused);
  return said;
}

}  // namespace

TEST_CASE("what the disk has lost is an error, as no fsync would tell it again") {
  CHECK(said_of(EIO) == ErrorCode::storage_unusable);
  CHECK(said_of(ENOSPC) == ErrorCode::no_space);
  CHECK_FALSE(said_of(ENOSYS));
}

TEST_CASE("of a large file that is written only the last windows stay in memory") {
  ScratchDir scratch;
  if (keeps_all_in_memory(scratch.path())) {
    MESSAGE("skipped: this file system has no pages to drop");
    return;
  }
  const Path path = scratch.path() / "large";
  const UniqueFd fd = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  SUBCASE("dropped by the writer") {
    WriteBehind behind(fd.get(), path);
    write_large(fd.get(), path, behind);
    CHECK(bytes_in_memory(fd.get()) <= 3 * WriteBehind::kWindow.count);
  }
  SUBCASE("retained for a reader, who drops them") {
    WriteBehind behind(fd.get(), path, WriteBehind::Pages::retained);
    write_large(fd.get(), path, behind);
    CHECK(bytes_in_memory(fd.get()) == kLength);
    sync_file(fd.get(), path);
    drop_pages(fd.get(), Bytes{kLength / 2});
    CHECK(bytes_in_memory(fd.get()) == kLength / 2);
  }
}
