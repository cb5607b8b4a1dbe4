#include "backends/decode/child_decoder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/base/error.hpp"
#include "agent/base/file_state.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/decode/arriving_file.hpp"
#include "backends/decode/cluster_map.hpp"
#include "backends/decode/decode_program.hpp"

namespace basecache::decode {
namespace {

// The program that runs now, even when its file has been replaced: parent and child are of one version.
constexpr const char* kThisProgram = "/proc/self/exe";

sandbox::Limits limits_of_decoding(Bytes virtual_size) {
  constexpr std::uint64_t kSlowest = mebibytes(10).count;  // a second; inflating runs at hundreds a core
  return {.address_space = gibibytes(2),
          .cpu_time = std::chrono::seconds(600 + virtual_size.count / kSlowest),
          .file_size = virtual_size};
}

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "make a pipe");
  }
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  ::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// Another description of the same file: what is lent to the child can be written by nobody, and its flags aren't ours.
UniqueFd read_only(int file) { return open_file(fmt::format("/proc/self/fd/{}", file), O_RDONLY); }

// What the child says may be anything, as the image may have taken the child over; it is shown in quotes.
Error error_of(const CompletedProcess& done) {
  for (std::size_t i = 0; i < kFailures.size(); ++i) {
    if (done.status != kFirstFailure + static_cast<int>(i)) continue;
    Error error(kFailures[i], "cannot decode the image: " + quote(done.errors, 1024));
    if (kFailures[i] == ErrorCode::image_unacceptable) error.set_hint("the image is damaged: upload it again");
    if (kFailures[i] == ErrorCode::no_space) error.set_hint(kNoSpaceHint);
    return error;
  }
  const std::string end = done.status < 0 ? fmt::format("was ended by signal {}", -done.status)
                                          : fmt::format("exited with {}", done.status);
  const std::string said = done.errors.empty() ? "" : ": " + quote(done.errors, 1024);
  return Error(ErrorCode::tool_failed, "cannot decode the image: its decoder " + end + said);
}

// Of a qcow2 image that the decoder takes.
std::optional<Bytes> decodable_size(std::span<const std::byte> beginning) {
  try {
    return Bytes{read_geometry(beginning).virtual_size};
  } catch (const Error&) {
    return std::nullopt;
  }
}

class ChildDecoding final : public fetch::Decoding {
 public:
  ChildDecoding(std::unique_ptr<Confinement> confinement, int image, int raw_disk, std::size_t threads,
                const OpContext& op)
      : confinement_(std::move(confinement)),
        image_(read_only(image)),
        raw_disk_(raw_disk),
        op_("decode", stop_.get_token(), op.deadline()),
        with_operation_(op.stop(), [this] { stop_.request_stop(); }) {
    Command command{.argv = {kThisProgram, kDecodeArgument, std::to_string(threads)},
                    .environment = {"MALLOC_ARENA_MAX=3"},
                    .on_stdout = [this](std::string_view said) { read_progress(said); },
                    .files = {image_.get(), raw_disk_, pipe_.reader.get()},
                    .confinement = confinement_.get()};
    child_ = std::async(std::launch::async, [this, started = std::move(command)] { return run_to_end(started); });
  }
  ~ChildDecoding() override {
    stop_.request_stop();
    if (child_.valid()) child_.wait();
  }

  // A full pipe tells enough: what comes later tells more.
  void arrived(Bytes length) override {
    constexpr std::uint64_t kWorthTelling = 256 * 1024;
    if (length.count < arrived_ + kWorthTelling) return;
    arrived_ = length.count;
    (void)!::write(pipe_.writer.get(), &arrived_, sizeof arrived_);
    if (!has_ended(std::chrono::milliseconds(0))) return;
    const CompletedProcess done = child_.get();
    if (done.status == 0) return;  // what it made is looked at in the end
    const Error failure = error_of(done);
    if (failure.code() != ErrorCode::image_unacceptable) throw failure;
  }

  fetch::DecodedDisk finish(OpContext& op) override {
    const auto step = op.steps().measure("decode");
    tell_whole(op);
    while (!has_ended(std::chrono::seconds(1))) {
      op.report({.step = "decode", .subject = {}, .done = std::min(decoded_.load(), arrived_), .total = arrived_});
    }
    const CompletedProcess done = child_.get();
    if (done.status != 0) throw error_of(done);
    fetch::DecodedDisk disk{.size = state_of(raw_disk_, "the decoded disk").size};
    if (!SectorSum::parse(last_line_, disk.sum)) throw Error(ErrorCode::tool_failed, "the decoder told no sum");
    return disk;
  }

 private:
  // Of a child that has ended the pipe may stay full for ever.
  void tell_whole(const OpContext& op) {
    constexpr std::uint64_t kAll = ArrivingFile::kWhole;
    while (::write(pipe_.writer.get(), &kAll, sizeof kAll) < 0) {
      if (has_ended(std::chrono::milliseconds(1))) return;
      op.check();
    }
  }

  bool has_ended(std::chrono::milliseconds wait) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, wait, [&] { return ended_; });
  }

  CompletedProcess run_to_end(const Command& command) {
    struct AtEnd {
      ChildDecoding& decoding;
      ~AtEnd() {
        const std::lock_guard guard(decoding.mutex_);
        decoding.ended_ = true;
        decoding.changed_.notify_all();
      }
    } const at_end{*this};
    return run(command, op_);
  }

  // On the thread that runs the child. One that never stops talking is ended with the operation, or by a line's length.
  void read_progress(std::string_view said) {
    constexpr std::size_t kLongestLine = 64;
    op_.check();
    line_ += said;
    while (const std::size_t end = line_.find('\n') + 1) {
      last_line_ = line_.substr(0, end - 1);
      std::uint64_t place = 0;
      std::from_chars(last_line_.data(), last_line_.data() + last_line_.size(), place);
      decoded_ = place;
      line_.erase(0, end);
    }
    if (line_.size() > kLongestLine) throw Error(ErrorCode::tool_failed, "the decoder says what no decoder says");
  }

  const std::unique_ptr<Confinement> confinement_;
  const UniqueFd image_;
  const int raw_disk_;
  std::uint64_t arrived_ = 0;
  Pipe pipe_ = make_pipe();  // whose reader we keep too: writing after the child's end is no signal
  std::stop_source stop_;
  OpContext op_;  // of the thread that waits for the child
  std::stop_callback<std::function<void()>> with_operation_;
  std::string line_;  // that isn't whole yet; of that thread too, until it has ended
  std::string last_line_;
  std::atomic<std::uint64_t> decoded_ = 0;  // of the image's file
  std::mutex mutex_;                        // of what follows
  std::condition_variable changed_;
  bool ended_ = false;
  std::shared_future<CompletedProcess> child_;
};

}  // namespace

std::optional<Bytes> ChildDecoder::size_of(std::span<const std::byte> beginning) const {
  const std::optional<Bytes> size = decodable_size(beginning);
  return size && *size <= most_virtual_size_ ? size : std::nullopt;
}

std::unique_ptr<fetch::Decoding> ChildDecoder::begin(std::span<const std::byte> beginning, int image, int raw_disk,
                                                     const OpContext& op) const {
  const std::optional<Bytes> virtual_size = size_of(beginning);
  if (!virtual_size) return nullptr;
  sandbox::Reach reach;
  reach.execute.emplace_back(kThisProgram);
  auto confinement = sandbox_.confine(std::move(reach), limits_of_decoding(*virtual_size), sandbox_.stranger());
  return std::make_unique<ChildDecoding>(std::move(confinement), image, raw_disk, threads_, op);
}

}  // namespace basecache::decode
