#include "backends/decode/schedule.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace basecache::decode {
namespace {

constexpr std::uint64_t kBatchBytes = 1 << 20;  // of the guest's disk: large enough to be worth handing to a thread

}  // namespace

Schedule::Schedule(std::vector<TablePlace> tables, std::uint64_t table_length)
    : tables_(std::move(tables)), table_length_(table_length) {
  std::ranges::sort(tables_, {}, &TablePlace::offset);
}

NextStep Schedule::next(std::uint64_t arrived) {
  std::uint64_t until = std::numeric_limits<std::uint64_t>::max();
  if (may_load()) {
    if (table_end() <= arrived) return {.kind = NextStep::Kind::load_table, .table = tables_[next_table_++]};
    until = table_end();
  }
  if (!waiting_.empty()) {
    const std::uint64_t end = waiting_.front().next_end();
    if (end <= arrived) return {.kind = NextStep::Kind::decode, .batch = take_batch(arrived)};
    until = std::min(until, end);
  } else if (next_table_ == tables_.size()) {
    return {.kind = NextStep::Kind::done};
  }
  return {.kind = NextStep::Kind::wait, .until = until};
}

void Schedule::add(std::vector<Extent> extents) {
  if (extents.empty()) return;
  waiting_extents_ += extents.size();
  waiting_.push_back({.extents = std::move(extents)});
  std::ranges::push_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
}

std::vector<Extent> Schedule::take_batch(std::uint64_t arrived) {
  std::ranges::pop_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
  Waiting& table = waiting_.back();
  std::vector<Extent> batch;
  std::uint64_t bytes = 0;
  while (table.first < table.extents.size() && bytes < kBatchBytes && table.next_end() <= arrived) {
    bytes += table.extents[table.first].guest_length;
    batch.push_back(table.extents[table.first++]);
  }
  waiting_extents_ -= batch.size();
  if (table.first == table.extents.size()) {
    waiting_.pop_back();
  } else {
    std::ranges::push_heap(waiting_, std::ranges::greater{}, &Waiting::next_end);
  }
  return batch;
}

}  // namespace basecache::decode
