#include "agent/base/sparse_copy.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <thread>

#include "agent/base/posix_file.hpp"
#include "tests/unit/disk/fixture.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// From here on this thread gets `clone_error` for FICLONE and `range_error` for copy_file_range(2); 0: not refused.
bool refuse(int clone_error, int range_error) {
  const auto answer = [](int error) {
    return error == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  };
  constexpr std::uint32_t call_at = offsetof(seccomp_data, nr);
  constexpr std::uint32_t request_at = offsetof(seccomp_data, args) + sizeof(seccomp_data::args[0]);
  std::array<sock_filter, 8> program{
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, call_at), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_copy_file_range, 3, 0),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 3), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, request_at),
       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FICLONE, 2, 1), BPF_STMT(BPF_RET | BPF_K, answer(range_error)),
       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, answer(clone_error))}};
  const sock_fprog filter{.len = program.size(), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Copies the bench's base file where the kernel refuses so; false when it failed.
bool copies_in_spite_of(DiskBench& bench, int clone_error, int range_error) {
  bool copied = false;
  bool refused = false;
  std::thread([&] {
    refused = refuse(clone_error, range_error);
    try {
      copy_sparse(
          bench.path(), bench.place.staged, [](Bytes) {}, bench.op);
      copied = true;
    } catch (const Error&) {
      copied = false;
    }
  }).join();
  REQUIRE(refused);
  return copied;
}

}  // namespace

TEST_CASE("a copy has the same bytes and the same holes, by every method") {
  DiskBench bench;
  bench.sparse_base(mebibytes(64));
  for (const CopyMethod method : {CopyMethod::clone, CopyMethod::copy_range, CopyMethod::read_write}) {
    CAPTURE(static_cast<int>(method));
    remove_file(bench.place.staged);
    std::vector<Bytes> reached;
    copy_sparse(bench.path(), bench.place.staged, [&](Bytes at) { reached.push_back(at); }, bench.op,
                {.first = method});
    CHECK(sizes_of(bench.place.staged).apparent == mebibytes(64));
    CHECK(sizes_of(bench.place.staged).allocated < mebibytes(1));
    run_tool({"cmp", bench.path().native(), bench.place.staged.native()});
    REQUIRE_FALSE(reached.empty());
    CHECK(std::is_sorted(reached.begin(), reached.end()));
    CHECK(reached.back() == mebibytes(64));
  }
}

TEST_CASE("what the kernel or the file system has no call for is copied in the next way") {
  for (const int error : {ENOSYS, EXDEV, EOPNOTSUPP, EINVAL, EPERM, ENOTTY}) {
    for (const int range_error : {0, error}) {
      CAPTURE(error);
      CAPTURE(range_error);
      DiskBench bench;
      bench.sparse_base(mebibytes(64));
      REQUIRE(copies_in_spite_of(bench, error, range_error));
      CHECK(sizes_of(bench.place.staged).allocated < mebibytes(1));
      run_tool({"cmp", bench.path().native(), bench.place.staged.native()});
    }
  }
}

TEST_CASE("what fails in earnest isn't tried in another way") {
  for (const int error : {EIO, ENOSPC, EDQUOT}) {
    CAPTURE(error);
    DiskBench bench;
    bench.sparse_base(mebibytes(64));
    CHECK_FALSE(copies_in_spite_of(bench, error, 0));
    remove_file(bench.place.staged);
    CHECK_FALSE(copies_in_spite_of(bench, EOPNOTSUPP, error));
  }
}

TEST_CASE("files without data and files without holes are copied too") {
  DiskBench bench;
  for (const std::string& content : {std::string(), std::string(3'000'001, 'x')}) {
    write_file(bench.path(), content);
    for (const CopyMethod method : {CopyMethod::copy_range, CopyMethod::read_write}) {
      remove_file(bench.place.staged);
      copy_sparse(bench.path(), bench.place.staged, [](Bytes) {}, bench.op, {.first = method});
      CHECK(read_file(bench.place.staged) == content);
    }
  }
  boost::filesystem::resize_file(bench.path(), 0);
  boost::filesystem::resize_file(bench.path(), 1 << 20);
  remove_file(bench.place.staged);
  copy_sparse(bench.path(), bench.place.staged, [](Bytes) {}, bench.op, {.first = CopyMethod::read_write});
  CHECK(read_file(bench.place.staged) == std::string(1 << 20, '\0'));
}

TEST_CASE("a copy stops between two blocks when it is cancelled") {
  DiskBench bench;
  write_file(bench.path(), std::string(4 << 20, 'x'));
  int blocks = 0;
  const auto cancel = [&](Bytes) {
    ++blocks;
    bench.stop.request_stop();
  };
  CHECK_THROWS_AS(copy_sparse(bench.path(), bench.place.staged, cancel, bench.op, {.first = CopyMethod::read_write}),
                  Cancelled);
  CHECK(blocks == 1);
}

TEST_CASE("nothing that is there is written over, through a link neither") {
  DiskBench bench;
  write_file(bench.path(), "base");
  write_file(bench.place.staged, "somebody's");
  CHECK_THROWS_AS(copy_sparse(
                      bench.path(), bench.place.staged, [](Bytes) {}, bench.op),
                  Error);
  CHECK(read_file(bench.place.staged) == "somebody's");
}

TEST_CASE("a copy goes to its places wherever its descriptor stands, and ends where it was to end") {
  for (const CopyMethod method : {CopyMethod::copy_range, CopyMethod::read_write}) {
    CAPTURE(static_cast<int>(method));
    DiskBench bench;
    const std::string content = std::string(3 << 20, 'a') + std::string(3 << 20, 'b');
    const Path source_path = bench.dir / "source";
    const Path target_path = bench.dir / "target";
    write_file(source_path, content + "grown");
    const UniqueFd source = open_file(source_path, O_RDONLY);
    const UniqueFd target = open_file(target_path, O_RDWR | O_CREAT | O_EXCL, 0600);
    const auto move_away = [&](Bytes) { ::lseek(target.get(), 12345, SEEK_SET); };
    copy_sparse({source.get(), source_path}, Bytes{content.size()}, {target.get(), target_path}, move_away, bench.op,
                {.first = method});
    CHECK((read_file(target_path) == content));
  }
}
