#include "agent/fetch/image_scan.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "agent/base/posix_file.hpp"
#include "agent/base/write_behind.hpp"

namespace basecache::fetch {
namespace {

constexpr Bytes kBlock = mebibytes(1);  // read at once; the thread isn't woken for less
constexpr std::chrono::seconds kReportInterval{1};

bool is_hole(int file, off_t offset, std::size_t length) {
  const off_t begin = ::lseek(file, offset, SEEK_DATA);
  return begin < 0 ? errno == ENXIO : begin >= offset + static_cast<off_t>(length);
}

// Zeros behind the end of the file are a hole that it will have. Of a file that is being written not every file system
// tells where its holes are.
void read_part(int file, std::span<std::byte> part, off_t offset, bool skips_holes) {
  const bool reads = !skips_holes || !is_hole(file, offset, part.size());
  const std::size_t count = reads ? read_at(file, part, offset, "an image") : 0;
  std::ranges::fill(part.subspan(count), std::byte{0});
}

// Whenever another window of the file has passed by.
void drop_window(int file, off_t offset, std::size_t count) {
  const auto at = static_cast<std::uint64_t>(offset);
  const std::uint64_t window = WriteBehind::kWindow.count;
  if (at / window != (at + count) / window) drop_pages(file, Bytes{at + count});
}

}  // namespace

ImageScan::ImageScan(const std::vector<DigestAlgorithm>& algorithms, const ImageInspector& inspector,
                     std::unique_ptr<Verification> verification)
    : inspector_(inspector), inspection_(inspector.begin()), verification_(std::move(verification)) {
  for (const DigestAlgorithm algorithm : algorithms) hashers_.emplace_back(algorithm);
}

ImageScan::~ImageScan() { stop(); }

void ImageScan::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void ImageScan::follow(int file, Bytes length) {
  const std::lock_guard guard(mutex_);
  file_ = file;
  arrived_ = length;
  if (arrived_ - told_ < kBlock) return;
  told_ = arrived_;
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  changed_.notify_all();
}

void ImageScan::restart() {
  stop();
  thread_ = {};
  for (Hasher& hasher : hashers_) hasher.restart();
  if (verification_) verification_->restart();
  inspection_ = inspector_.begin();
  sum_ = {};
  arrived_ = told_ = passed_ = {};
  drops_ = skips_holes_ = false;
  takes_digests_ = takes_sum_ = true;
  failure_ = nullptr;
}

void ImageScan::catch_up(OpContext& op, const std::string& subject) {
  const auto step = op.steps().measure("verify");
  std::unique_lock guard(mutex_);
  told_ = arrived_;
  if (passed_ < told_ && !thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  changed_.notify_all();
  const auto is_done = [&] { return failure_ || passed_ == told_; };
  while (!changed_.wait_for(guard, op.stop(), kReportInterval, is_done)) {
    const Progress progress{.step = "verify", .subject = subject, .done = passed_.count, .total = told_.count};
    guard.unlock();  // whoever is told may be slow
    op.check();
    op.report(progress);
    guard.lock();
  }
  if (failure_) std::rethrow_exception(failure_);
}

void ImageScan::run(const std::stop_token& stopping) {
  std::vector<std::byte> block(kBlock.count);
  std::unique_lock guard(mutex_);
  while (changed_.wait(guard, stopping, [&] { return passed_ < told_; }) && !stopping.stop_requested()) {
    const auto part = std::span(block).first(std::min(kBlock, told_ - passed_).count);
    const off_t offset = static_cast<off_t>(passed_.count);
    const int file = file_;
    guard.unlock();
    std::exception_ptr failure;
    try {
      read_part(file, part, offset, skips_holes_);
      pass(part);
      if (drops_) drop_window(file, offset, part.size());
    } catch (...) {
      failure = std::current_exception();
    }
    guard.lock();
    failure_ = failure;
    passed_ = passed_ + Bytes{part.size()};
    changed_.notify_all();
    if (failure_) return;
  }
}

void ImageScan::pass(std::span<const std::byte> bytes) {
  if (takes_digests_) {
    for (Hasher& hasher : hashers_) hasher.update(bytes);
  }
  if (verification_) verification_->update(bytes);
  inspection_->feed(bytes);
  if (takes_sum_) sum_.add(bytes);
}

std::vector<Digest> ImageScan::digests() {
  std::vector<Digest> found;
  if (!takes_digests_) return found;
  for (Hasher& hasher : hashers_) found.push_back(hasher.finish());
  return found;
}

void ImageScan::verify_signature() {
  if (verification_) verification_->finish();
}

}  // namespace basecache::fetch
