#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>

namespace basecache::decode {

// A file that is being written while it is read: its first arrived() bytes are there. Usable from several threads.
class ArrivingFile {
 public:
  static constexpr std::uint64_t kWhole = std::numeric_limits<std::uint64_t>::max();

  // `fd` stays the caller's.
  explicit ArrivingFile(int fd) : fd_(fd) {}

  // More of it has arrived; kWhole: it will not grow any more.
  void arrived(std::uint64_t length);
  // No more will come and what there is is worthless: whoever waits, and whoever will wait, is let go.
  void break_off();

  // Returns how much is there (kWhole when that is all) once it is more than `length`; Error(source_unavailable) when
  // it was broken off.
  std::uint64_t wait_beyond(std::uint64_t length);

  std::uint64_t size() const;  // so far

  // Bytes that have arrived; behind the end of the whole file there are zeros, as for QEMU.
  // Error(storage_unusable) when they can't be read.
  void read(std::span<std::byte> out, std::uint64_t offset) const;

 private:
  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t arrived_ = 0;
  bool broken_off_ = false;
};

}  // namespace basecache::decode
