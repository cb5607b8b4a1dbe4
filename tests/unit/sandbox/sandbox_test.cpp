#include "backends/sandbox/confined_run.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <csignal>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"
#include "tests/support/loop_device.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::sandbox {
namespace {

using basecache::test::ScratchDir;
using basecache::test::test_operation;
using basecache::test::write_file;

constexpr Limits kLimits{
    .address_space = gibibytes(1), .cpu_time = std::chrono::seconds(60), .file_size = kibibytes(256)};

const Sandbox& sandbox() {
  static const Sandbox one;
  return one;
}

struct Attempt {
  Reach reach = {};
  Limits limits = kLimits;
  std::optional<User> user = {};
  std::vector<int> files = {};
};

// Where anybody may run it, wherever it was built.
const std::string& intruder() {
  static const ScratchDir place;
  static const std::string path = [] {
    const Path copy = place / "intruder";
    boost::filesystem::copy_file(INTRUDER, copy);
    ::chmod(copy.c_str(), 0755);
    ::chmod(place.path().c_str(), 0755);
    return copy.string();
  }();
  return path;
}

CompletedProcess intrude(std::vector<std::string> words, Attempt attempt = {}) {
  attempt.reach.execute.emplace_back(intruder());
  const auto confinement = sandbox().confine(attempt.reach, attempt.limits, attempt.user);
  words.insert(words.begin(), intruder());
  return run({.argv = std::move(words), .files = attempt.files, .confinement = confinement.get()}, test_operation());
}

bool mentions(const CompletedProcess& done, std::string_view words) {
  return done.errors.find(words) != std::string::npos;
}

TEST_CASE("this kernel has what the sandbox is made of") { CHECK(sandbox().missing().empty()); }

TEST_CASE("outside of the sandbox the intruder gets what it wants") {
  const ScratchDir scratch;
  write_file(scratch / "secret", "secret");
  for (const std::vector<std::string>& words : {std::vector<std::string>{"open", (scratch / "secret").string()},
                                                {"write", (scratch / "new").string()},
                                                {"connect"},
                                                {"fork"},
                                                {"exec", "/bin/true"},
                                                {"eat", "2048"}}) {
    std::vector<std::string> argv{intruder()};
    argv.insert(argv.end(), words.begin(), words.end());
    CAPTURE(words.front());
    CHECK(run({.argv = argv}, test_operation()).status == 0);
  }
}

TEST_CASE("a confined program reads what it is given and nothing else") {
  const ScratchDir scratch;
  write_file(scratch / "image", "image");
  write_file(scratch / "secret", "secret");
  const std::string image = (scratch / "image").string();
  const std::string secret = (scratch / "secret").string();
  const Attempt attempt{.reach = {.read = {image}}};
  CHECK(intrude({"open", image}, attempt).status == 0);
  for (const std::string& path : {secret, std::string("/etc/shadow"), std::string("/etc/passwd"),
                                  scratch.path().string(), std::string("/proc/1/environ")}) {
    const CompletedProcess done = intrude({"open", path}, attempt);
    CAPTURE(path);
    CHECK(done.status == 1);
    CHECK(mentions(done, "open: Permission denied"));
  }
  CHECK(mentions(intrude({"write", image}, attempt), "Permission denied"));
}

TEST_CASE("a confined program writes what it is given, makes no other file and no more of it than it may") {
  const ScratchDir scratch;
  write_file(scratch / "disk", "");
  const std::string disk = (scratch / "disk").string();
  const Attempt attempt{.reach = {.write = {disk}}};
  CHECK(intrude({"write", disk}, attempt).status == 0);
  CHECK(mentions(intrude({"write", (scratch / "other").string()}, attempt), "Permission denied"));
  const UniqueFd file = open_file(disk, O_RDWR);
  Attempt with_file = attempt;
  with_file.files = {file.get()};
  CHECK(intrude({"fill", "3"}, with_file).status == -SIGXFSZ);
  CHECK(sizes_of(disk).apparent == kLimits.file_size);
}

TEST_CASE("a confined program has no network, no child and not all the memory") {
  CHECK(mentions(intrude({"connect"}), "socket: Operation not permitted"));
  CHECK(mentions(intrude({"fork"}), "fork: Operation not permitted"));
  CHECK(mentions(intrude({"eat", "2048"}), "mmap: Cannot allocate memory"));
  CHECK(intrude({"eat", "256"}).status == 0);
}

TEST_CASE("a confined program leaves other processes alone") {
  const std::string us = std::to_string(::getpid());
  CHECK(mentions(intrude({"limit", us}), "prlimit: "));
  CHECK(mentions(intrude({"kill", us}), "kill: Operation not permitted"));
  CHECK(mentions(intrude({"sign", us}), "fcntl: "));
}

TEST_CASE("a confined program gets no room that no limit counts, and cuts no file by its name") {
  const ScratchDir scratch;
  write_file(scratch / "disk", "disk");
  const std::string disk = (scratch / "disk").string();
  const UniqueFd file = open_file(disk, O_RDWR);
  const Attempt attempt{.reach = {.write = {disk}}, .files = {file.get()}};
  CHECK(mentions(intrude({"hoard", "3"}, attempt), "fallocate: "));
  CHECK(mentions(intrude({"reserve", "3"}, attempt), "ioctl: Inappropriate ioctl for device"));
  CHECK(mentions(intrude({"cut", disk}, attempt), "truncate: Operation not permitted"));
  CHECK(sizes_of(disk).apparent == Bytes{4});
}

TEST_CASE("a confined program ends when it has used up its time") {
  Attempt attempt;
  attempt.limits.cpu_time = std::chrono::seconds(1);
  CHECK(intrude({"spin"}, attempt).status == -SIGXCPU);
}

TEST_CASE("root's confined program is somebody else, to whom files are what their modes say" *
          doctest::skip(::geteuid() != 0)) {
  const ScratchDir scratch;  // which nobody else may enter
  const Path image = scratch / "image";
  write_file(image, "image");
  const UniqueFd file = open_file(image, O_RDONLY);
  const User stranger = sandbox().stranger();
  const Attempt as_stranger{.reach = {.read = {image}}, .user = stranger, .files = {file.get()}};
  CHECK(intrude({"whoami"}, as_stranger).output == fmt::format("{} {}", stranger.uid, stranger.gid));
  REQUIRE(::chmod(image.c_str(), 0644) == 0);
  CHECK(mentions(intrude({"open", image.string()}, as_stranger), "Permission denied"));
  CHECK(intrude({"open", "/dev/fd/3"}, as_stranger).status == 0);
  REQUIRE(::chmod(image.c_str(), 0600) == 0);
  CHECK(mentions(intrude({"open", "/dev/fd/3"}, as_stranger), "Permission denied"));
  CHECK(intrude({"whoami"}).output == "0 0");
}

TEST_CASE("a program that its user may not execute says who that is" *
          doctest::skip(test::kVforkIsFork || ::geteuid() != 0)) {
  const ScratchDir scratch;
  const Path program = scratch / "program";
  boost::filesystem::copy_file("/bin/true", program);
  const User stranger = sandbox().stranger();
  const auto confinement = sandbox().confine({.execute = {program}}, kLimits, stranger);
  try {
    run({.argv = {program.string()}, .confinement = confinement.get()}, test_operation());
    FAIL("it ran");
  } catch (const Error& error) {
    CHECK(error.message() ==
          fmt::format("cannot run '{}' as user {}: Permission denied", program.string(), stranger.uid));
  }
}

TEST_CASE("whoever reads an image for one thread is nobody that another thread or program is") {
  const User here = sandbox().stranger();
  CHECK(here == sandbox().stranger());
  User there;
  std::thread([&] { there = sandbox().stranger(); }).join();
  CHECK_FALSE(there == here);
  for (const User& user : {here, there}) {
    CHECK(user.uid > kFirstRunUser);
    CHECK(user.uid <= kLastRunUser);
    CHECK(user.gid == user.uid);
  }
}

TEST_CASE("the users that programs may be are there when their user namespace has all of them") {
  const auto has_them = [](const std::string& map) {
    std::istringstream lines(map);
    return has_users(lines, kFirstRunUser, kLastRunUser);
  };
  CHECK(has_them("         0          0 4294967295\n"));
  CHECK(has_them("0 1000 1\n1 100000 65536\n1879048192 500000 4194305\n"));
  CHECK_FALSE(has_them("0 1000 1\n1 100000 65536\n"));
  CHECK_FALSE(has_them("0 0 1879048200\n"));
  CHECK_FALSE(has_them("1879048193 0 1000000000\n"));
  CHECK_FALSE(has_them(""));
}

TEST_CASE("a program gets its files although we have more open than it may have") {
  const ScratchDir scratch;
  const Path image = scratch / "image";
  write_file(image, "image");
  std::vector<UniqueFd> ours;
  for (unsigned i = 0; i < 2 * kLimits.open_files; ++i) ours.push_back(open_file(image, O_RDONLY));
  const Attempt attempt{.reach = {.read = {image}}, .files = {ours.back().get()}};
  CHECK(intrude({"open", "/dev/fd/3"}, attempt).status == 0);
}

TEST_CASE("a confined program gets the file that was opened, not what has its name by now") {
  const ScratchDir scratch;
  const Path disk = scratch / "disk";
  write_file(disk, "disk");
  const OpenedFile opened(disk, OpenedFile::Access::write);
  boost::filesystem::rename(disk, scratch / "moved");
  write_file(disk, "another");
  const auto open_it = [&](const std::string& path) {
    return run_confined(sandbox(),
                        {.command = {.argv = {intruder(), "open", path}},
                         .files = {&opened},
                         .user = opened.owner(),
                         .limits = kLimits},
                        test_operation());
  };
  CHECK(open_it(descriptor_path(0)).status == 0);
  CHECK(mentions(open_it(disk.string()), "Permission denied"));
}

TEST_CASE("a confined program that sees what is mounted sees nothing else of the system's processes") {
  const Attempt attempt{.reach = {.own_mounts = true}};
  CHECK(intrude({"open", "/proc/self/mounts"}, attempt).status == 0);
  CHECK(intrude({"open", "/proc/mounts"}, attempt).status == 0);
  for (const std::string& path :
       {std::string("/proc/self/maps"), "/proc/" + std::to_string(::getpid()) + "/cmdline",
        "/proc/" + std::to_string(::getpid()) + "/mounts", std::string("/proc/kallsyms"), std::string("/proc")}) {
    CAPTURE(path);
    CHECK(mentions(intrude({"open", path}, attempt), "open: Permission denied"));
  }
  CHECK(mentions(intrude({"open", "/proc/self/mounts"}), "open: Permission denied"));
}

// A device of 64 KiB, and what a confined program that is for it says.
struct DeviceRun {
  DeviceRun() {
    write_file(file, std::string(65536, 'd'));
    if (test::LoopDevice::can_be_made()) loop.emplace(file);
  }
  CompletedProcess ask(const Path& disk, const std::string& path, const std::string& command) const {
    const OpenedFile opened(disk, OpenedFile::Access::write);
    return run_confined(sandbox(),
                        {.command = {.argv = {intruder(), "ask", path, command}},
                         .files = {&opened},
                         .user = opened.owner(),
                         .limits = kLimits},
                        test_operation());
  }

  ScratchDir scratch;
  Path file = scratch / "file";
  std::optional<test::LoopDevice> loop;
};

TEST_CASE("a program for a block device asks what the device is, and commands nothing" *
          doctest::skip(!test::LoopDevice::can_be_made())) {
  const DeviceRun device;
  const Path& disk = device.loop->path();
  for (const std::string question : {"BLKGETSIZE64", "BLKGETSIZE", "BLKROGET", "BLKDISCARDZEROES"}) {
    CAPTURE(question);
    CHECK(device.ask(disk, descriptor_path(0), question).errors.empty());
  }
  for (const std::string command : {"BLKFLSBUF", "BLKZEROOUT", "BLKDISCARD", "BLKRRPART"}) {
    CAPTURE(command);
    CHECK(mentions(device.ask(disk, descriptor_path(0), command), "ioctl: Function not implemented"));
  }
  CHECK(test::read_file(device.file) == std::string(65536, 'd'));
}

TEST_CASE("a program for a block device opens no other one" * doctest::skip(!test::LoopDevice::can_be_made())) {
  const DeviceRun device;
  const DeviceRun other;
  CHECK(mentions(device.ask(device.loop->path(), other.loop->path().string(), "BLKGETSIZE64"),
                 "open: Permission denied"));
}

TEST_CASE("a program for a file asks nothing of block devices") {
  const DeviceRun device;
  CHECK(mentions(device.ask(device.file, descriptor_path(0), "BLKGETSIZE64"), "ioctl: Inappropriate ioctl for device"));
}

TEST_CASE("what the reach names must be there") {
  CHECK_THROWS_AS((void)sandbox().confine({.read = {"/nonexistent"}}, kLimits, std::nullopt), Error);
}

}  // namespace
}  // namespace basecache::sandbox
