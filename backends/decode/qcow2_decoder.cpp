#include "backends/decode/qcow2_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include "agent/base/error.hpp"

namespace basecache::decode {
namespace {

std::uint64_t big_endian(std::span<const std::byte, 8> bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes) number = number << 8 | static_cast<std::uint64_t>(byte);
  return number;
}

std::uint64_t wait_for(ArrivingFile& image, std::uint64_t length) { return image.wait_beyond(length - 1); }

}  // namespace

// What one thread needs to decode.
class Qcow2Decoder::Worker {
 public:
  explicit Worker(Qcow2Decoder& decoder)
      : image_(decoder.image_),
        geometry_(decoder.geometry_),
        output_(*decoder.output_),
        inflater_(make_inflater(geometry_.compression)) {}

  void decode(const Extent& extent) {
    stored_.resize(extent.host_length);
    image_.read(stored_, extent.host);
    if (!extent.compressed) return output_.write(stored_, extent.guest, sum_);
    cluster_.resize(geometry_.cluster_size());
    if (!inflater_->inflate(stored_, cluster_)) {
      throw Error(ErrorCode::image_unacceptable,
                  fmt::format("cannot decode qcow2: the compressed cluster at {} doesn't fill the disk's cluster at {}",
                              extent.host, extent.guest))
          .set_hint("the image is damaged: upload it again");
    }
    output_.write(std::span(cluster_).first(extent.guest_length), extent.guest, sum_);
  }

  const SectorSum& sum() const { return sum_; }

 private:
  const ArrivingFile& image_;
  const Geometry& geometry_;
  SparseOutput& output_;
  std::unique_ptr<Inflater> inflater_;
  std::vector<std::byte> stored_;
  std::vector<std::byte> cluster_;
  SectorSum sum_;
};

DecodedDisk Qcow2Decoder::decode(std::size_t threads, std::function<void(std::uint64_t)> passed) {
  passed_ = std::move(passed);
  std::array<std::byte, kHeaderLength> header{};
  (void)wait_for(image_, header.size());
  image_.read(header, 0);
  geometry_ = read_geometry(header);
  output_.emplace(output_fd_, geometry_.virtual_size);
  schedule_.emplace(read_l1(), geometry_.cluster_size(), best_ratio(geometry_.compression));
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
    work();
  }
  if (failure_) std::rethrow_exception(failure_);
  return {.size = geometry_.virtual_size, .sum = sum_};
}

std::vector<TablePlace> Qcow2Decoder::read_l1() {
  std::vector<std::byte> table(geometry_.tables() * 8);
  if (table.empty()) return {};
  (void)wait_for(image_, geometry_.l1_offset + table.size());
  image_.read(table, geometry_.l1_offset);
  std::vector<TablePlace> places;
  places.reserve(geometry_.tables());
  for (std::uint64_t i = 0; i < geometry_.tables(); ++i) {
    const std::uint64_t offset = l2_table_offset(geometry_, big_endian(std::span(table).subspan(i * 8).first<8>()));
    if (offset != 0) places.push_back({.index = i, .offset = offset});
  }
  return places;
}

void Qcow2Decoder::work() {
  try {
    Worker worker(*this);
    std::vector<std::byte> table;
    std::uint64_t arrived = 1;
    while (true) {
      NextStep step;
      {
        const std::lock_guard guard(mutex_);
        if (failure_) return;
        step = schedule_->next(arrived);
        if (arrived == ArrivingFile::kWhole) require_room();
        if (step.kind == NextStep::Kind::load_table) load_table(step.table, table);
        if (passed_ && !step.batch.empty()) passed_(step.batch.front().host);
      }
      if (step.kind == NextStep::Kind::done) return add_sum(worker.sum());
      if (step.kind == NextStep::Kind::wait) arrived = image_.wait_beyond(arrived);
      for (const Extent& extent : step.batch) worker.decode(extent);
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

// Of images that are fit for use, clusters are of one place of the disk each; plain and compressed ones are counted
// apart from each other. A little more harms nobody.
void Qcow2Decoder::require_room() const {
  constexpr std::uint64_t kHarmless = 32 << 20;
  if (schedule_->room_taken() <= 2 * image_.size() + kHarmless) return;
  throw Error(ErrorCode::image_unacceptable, "cannot decode qcow2: its tables name more than the file has room for")
      .set_hint("the image is damaged: upload it again");
}

// Under the lock: the others have their batches meanwhile.
void Qcow2Decoder::load_table(const TablePlace& place, std::vector<std::byte>& table) {
  table.resize(geometry_.cluster_size());
  image_.read(table, place.offset);
  schedule_->add(extents_of(geometry_, place.index, table));
}

void Qcow2Decoder::add_sum(const SectorSum& sum) {
  const std::lock_guard guard(mutex_);
  sum_.add(sum);
}

void Qcow2Decoder::fail(std::exception_ptr why) {
  const std::lock_guard guard(mutex_);
  if (!failure_) failure_ = why;
  image_.break_off();
}

}  // namespace basecache::decode
