#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/streamed_sector_sum.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/fetch/verification.hpp"

namespace basecache::fetch {

// All that is learnt from an image's bytes, each passing by once and in order: digests, whether the signature holds,
// format and dangers, the sum of the sectors. They are read behind the transfer from the file that it writes, on a
// thread of its own: the transfer doesn't wait for hashing, what an earlier process left passes by like the rest, and
// what is on disk is what gets hashed.
class ImageScan {
 public:
  // `verification` may be null; `inspector` outlives this.
  ImageScan(const std::vector<DigestAlgorithm>& algorithms, const ImageInspector& inspector,
            std::unique_ptr<Verification> verification);
  ~ImageScan();

  bool checks_signature() const { return verification_ != nullptr; }

  // The first `length` bytes of the image are in `file`, which stays open until restart() or the end of this.
  void follow(int file, Bytes length);
  // The file is whole and nobody is writing it: its holes needn't be read to be seen.
  void skip_holes() { skips_holes_ = true; }
  // Nobody asks for them: digests() will be none, until restart().
  void take_no_digests() { takes_digests_ = false; }
  // Nobody asks for the sum: sum() tells nothing, until restart().
  void take_no_sum() { takes_sum_ = false; }
  // Nobody else reads the file behind its writer: gives back the memory of what has passed by and is on disk.
  void drop_passed() { drops_ = true; }
  // The image begins anew.
  void restart();
  // Waits until all that has arrived has passed by. Cancelled or timed out as `op` is; what reading threw. Progress
  // step "verify", of `subject`.
  void catch_up(OpContext& op, const std::string& subject);

  // After catch_up(). In the order of the algorithms.
  std::vector<Digest> digests();
  void verify_signature();  // Error(checksum_mismatch)
  // Once.
  std::unique_ptr<Inspection> take_inspection() { return std::move(inspection_); }
  SectorSum sum() { return sum_.finish(); }

 private:
  void stop();
  void run(const std::stop_token& stopping);
  void pass(std::span<const std::byte> bytes);

  std::vector<Hasher> hashers_;
  const ImageInspector& inspector_;
  std::unique_ptr<Inspection> inspection_;
  std::unique_ptr<Verification> verification_;
  StreamedSectorSum sum_;

  std::mutex mutex_;  // of what follows
  std::condition_variable_any changed_;
  int file_ = -1;
  Bytes arrived_ = {};
  Bytes told_ = {};  // of arrived_, to the thread
  Bytes passed_ = {};
  std::atomic<bool> takes_digests_ = true;
  std::atomic<bool> takes_sum_ = true;
  std::atomic<bool> drops_ = false;
  std::atomic<bool> skips_holes_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // started by the first bytes
};

}  // namespace basecache::fetch
