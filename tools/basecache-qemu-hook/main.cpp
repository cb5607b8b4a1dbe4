// basecache-qemu-hook: libvirt calls it as its hook for QEMU, NAME OPERATION SUB-OPERATION EXTRA, with the domain's
// description on stdin. Most domains aren't ours: those cost next to nothing, and never fail because of us. So this
// program needs no library but libc, and becomes another one, basecache-domain-hook beside it, only for a domain that
// may be ours.

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string_view>

#include "agent/domain/metadata_namespaces.hpp"
#include "tools/basecache-qemu-hook/hook_call.hpp"

namespace {

constexpr const char* kProgram = "basecache-domain-hook";
// As libvirt's longest message (VIR_NET_MESSAGE_MAX).
constexpr std::size_t kLongestDescription = 32 << 20;
// libvirt writes at once; nobody else is waited for.
constexpr int kDescriptionMilliseconds = 5000;

long now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

bool wait_for_input(long until_ms) {
  while (true) {
    const long left = until_ms - now_ms();
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// All of stdin, never freed; nothing (no data) when it doesn't end, or is none.
std::string_view read_description() {
  const long until_ms = now_ms() + kDescriptionMilliseconds;
  std::size_t size = 0;
  std::size_t room = 64 * 1024;
  auto* text = static_cast<char*>(std::malloc(room));
  while (text != nullptr && size <= kLongestDescription && wait_for_input(until_ms)) {
    const ssize_t count = ::read(STDIN_FILENO, text + size, room - size);
    if (count == 0) return {text, size};
    if (count < 0 && errno != EINTR) return {};
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
    if (size == room) text = static_cast<char*>(std::realloc(text, room *= 2));
  }
  return {};
}

// The text becomes stdin once more.
bool put_back(std::string_view text) {
  const int file = ::memfd_create("domain", 0);
  if (file < 0) return false;
  while (!text.empty()) {
    const ssize_t count = ::write(file, text.data(), text.size());
    if (count < 0 && errno != EINTR) return false;
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  if (::lseek(file, 0, SEEK_SET) != 0 || ::dup2(file, STDIN_FILENO) < 0) return false;
  return file == STDIN_FILENO || ::close(file) == 0;
}

// Beside this one, wherever libvirt's link to it is.
bool find_program(std::array<char, PATH_MAX>& path) {
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - std::strlen(kProgram) - 1);
  if (length <= 0) return false;
  path[static_cast<std::size_t>(length)] = '\0';
  char* name = std::strrchr(path.data(), '/');
  if (name == nullptr || static_cast<std::size_t>(name - path.data()) + std::strlen(kProgram) + 2 > path.size()) {
    return false;
  }
  std::strcpy(name + 1, kProgram);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return EXIT_SUCCESS;
  // Read whatever is asked for: who writes to a pipe that nobody reads fails.
  const std::string_view xml = read_description();
  const auto action = basecache::hook::hook_action(argc, argv);
  if (!action || !basecache::domain::may_be_ours(xml)) return EXIT_SUCCESS;
  std::array<char, PATH_MAX> program{};
  if (put_back(xml) && find_program(program)) ::execv(program.data(), argv);
  const bool is_refusal = *action == basecache::hook::HookAction::prepare && basecache::domain::mentions_ours(xml);
  if (!is_refusal) return EXIT_SUCCESS;
  std::fprintf(stderr, "basecache: cannot run %s: %s\n", kProgram, std::strerror(errno));
  return EXIT_FAILURE;
}
