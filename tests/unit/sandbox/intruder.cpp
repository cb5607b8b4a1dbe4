// A program that has been taken over: tries what a reader of images has no business to do, and says how it went.
//   intruder open PATH | write PATH | cut PATH | connect | fork | exec PATH | eat MIB | spin | fill DESCRIPTOR |
//            hoard DESCRIPTOR | reserve DESCRIPTOR | ask DEVICE COMMAND | limit PID | kill PID | sign PID | whoami
// Exit 0: it succeeded. Otherwise strerror() of what stopped it is on stderr.

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace {

int outcome(const char* doing, bool succeeded) {
  if (succeeded) return 0;
  std::fprintf(stderr, "%s: %s\n", doing, std::strerror(errno));
  return 1;
}

int fill(int file) {
  std::array<char, 65536> block{};
  while (::write(file, block.data(), block.size()) > 0) {
  }
  return outcome("write", false);
}

int eat(std::size_t mebibytes) {
  void* room = ::mmap(nullptr, mebibytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome("mmap", room != MAP_FAILED);
}

int fork_once() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return outcome("fork", child > 0);
}

// Room behind the end of a file that stays as short as it is.
int hoard(int file) { return outcome("fallocate", ::fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20) == 0); }

// The same by another door: FS_IOC_RESVSP and its struct space_resv of Linux (include/linux/falloc.h, not exported).
int reserve(int file) {
  struct {
    short type = 0;  // of beginning: the file's
    short whence = SEEK_SET;
    long long start = 0;
    long long length = 1 << 20;
    int unused[6] = {};
  } room;
  static_assert(sizeof room == 48);
  return outcome("ioctl", ::ioctl(file, _IOW('X', 40, decltype(room)), &room) == 0);
}

// One of the commands of block devices, by its name; its answer into more room than any needs.
int ask(const char* device, std::string_view name) {
  constexpr std::array<std::pair<std::string_view, unsigned long>, 8> kCommands{{{"BLKGETSIZE64", BLKGETSIZE64},
                                                                                 {"BLKGETSIZE", BLKGETSIZE},
                                                                                 {"BLKROGET", BLKROGET},
                                                                                 {"BLKDISCARDZEROES", BLKDISCARDZEROES},
                                                                                 {"BLKFLSBUF", BLKFLSBUF},
                                                                                 {"BLKZEROOUT", BLKZEROOUT},
                                                                                 {"BLKDISCARD", BLKDISCARD},
                                                                                 {"BLKRRPART", BLKRRPART}}};
  const int file = ::open(device, O_RDWR);
  if (file < 0) return outcome("open", false);
  std::array<unsigned long, 8> room{};
  for (const auto& [known, command] : kCommands) {
    if (known == name) return outcome("ioctl", ::ioctl(file, command, room.data()) == 0);
  }
  return 2;
}

int limit(pid_t other) {
  const rlimit64 none{.rlim_cur = RLIM64_INFINITY, .rlim_max = RLIM64_INFINITY};
  return outcome("prlimit", ::prlimit64(other, RLIMIT_CORE, nullptr, nullptr) == 0 &&
                                ::prlimit64(other, RLIMIT_FSIZE, &none, nullptr) == 0);
}

// Signal 0 harms nobody, and needs the same right as any other.
int kill_somebody(pid_t other) { return outcome("kill", ::syscall(SYS_tgkill, other, other, 0) == 0); }

int sign(pid_t other) {
  const int file = ::open("/dev/null", O_RDWR);
  return outcome("fcntl", file >= 0 && ::fcntl(file, F_SETOWN, other) == 0);
}

int spin() {
  volatile unsigned count = 0;
  for (;;) count = count + 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view act = argc > 1 ? argv[1] : "";
  const char* subject = argc > 2 ? argv[2] : "";
  if (act == "open") return outcome("open", ::open(subject, O_RDONLY) >= 0);
  if (act == "write") return outcome("open for writing", ::open(subject, O_WRONLY | O_CREAT | O_TRUNC, 0600) >= 0);
  if (act == "cut") return outcome("truncate", ::truncate(subject, 0) == 0);
  if (act == "hoard") return hoard(std::atoi(subject));
  if (act == "reserve") return reserve(std::atoi(subject));
  if (act == "ask") return ask(subject, argc > 3 ? argv[3] : "");
  if (act == "limit") return limit(std::atoi(subject));
  if (act == "kill") return kill_somebody(std::atoi(subject));
  if (act == "sign") return sign(std::atoi(subject));
  if (act == "connect") return outcome("socket", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
  if (act == "fork") return fork_once();
  if (act == "exec") return outcome("exec", ::execl(subject, subject, static_cast<char*>(nullptr)) == 0);
  if (act == "eat") return eat(std::strtoul(subject, nullptr, 10));
  if (act == "fill") return fill(std::atoi(subject));
  if (act == "spin") return spin();
  if (act == "whoami") return std::printf("%u %u", ::getuid(), ::getgid()) > 0 ? 0 : 1;
  return 2;
}
