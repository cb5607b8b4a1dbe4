#include "backends/decode/schedule.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace basecache::decode {
namespace {

constexpr std::uint64_t kBatchBytes = 1 << 20;  // of the guest's disk: large enough to be worth handing to a thread

}  // namespace

// Half of them at a time: what a table keeps in memory is what waits.
void Schedule::Waiting::forget_done() {
  if (first * 2 < extents.size()) return;
  extents.erase(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(first));
  extents.shrink_to_fit();
  first = 0;
}

Schedule::Schedule(std::vector<TablePlace> tables, std::uint64_t table_length, std::uint64_t best_ratio)
    : tables_(std::move(tables)), table_length_(table_length), best_ratio_(best_ratio) {
  std::ranges::sort(tables_, {}, &TablePlace::offset);
}

NextStep Schedule::next(std::uint64_t arrived) {
  std::uint64_t until = std::numeric_limits<std::uint64_t>::max();
  if (may_load()) {
    if (table_end() <= arrived) return {.kind = NextStep::Kind::load_table, .table = tables_[next_table_++]};
    until = table_end();
  }
  if (!waiting_.empty()) {
    const std::uint64_t end = std::max(waiting_.front().next_end(), room_taken_);
    if (end <= arrived) return {.kind = NextStep::Kind::decode, .batch = take_batch(arrived)};
    until = std::min(until, end);
  } else if (next_table_ == tables_.size()) {
    return {.kind = NextStep::Kind::done};
  }
  return {.kind = NextStep::Kind::wait, .until = until};
}

void Schedule::add(std::vector<Extent> extents) {
  if (extents.empty()) return;
  extents.shrink_to_fit();
  waiting_extents_ += extents.size();
  waiting_.push_back({.extents = std::move(extents)});
  std::ranges::push_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
}

// A compressed cluster may share its last sector with the next one.
std::uint64_t Schedule::least_room(const Extent& extent) const {
  if (!extent.compressed) return extent.host_length;
  constexpr std::uint64_t kShared = 511;
  const std::uint64_t own = extent.host_length > kShared ? extent.host_length - kShared : 1;
  return std::max(own, extent.guest_length / best_ratio_);
}

std::vector<Extent> Schedule::take_batch(std::uint64_t arrived) {
  std::ranges::pop_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
  Waiting& table = waiting_.back();
  std::vector<Extent> batch;
  std::uint64_t bytes = 0;
  while (!table.is_done() && bytes < kBatchBytes && table.next_end() <= arrived) {
    const Extent& extent = table.extents[table.first++];
    bytes += extent.guest_length;
    room_taken_ += least_room(extent);
    batch.push_back(extent);
  }
  waiting_extents_ -= batch.size();
  if (table.is_done()) {
    waiting_.pop_back();
  } else {
    table.forget_done();
    std::ranges::push_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
  }
  return batch;
}

}  // namespace basecache::decode
