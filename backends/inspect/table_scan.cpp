#include "backends/inspect/table_scan.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace basecache::inspect {

void TableScan::feed(std::span<const std::byte> bytes) {
  for (Reading& reading : readings_) read(reading, bytes);
  std::uint64_t last_offset = std::numeric_limits<std::uint64_t>::max();
  // Reading a table may name others that begin in this same block.
  while (!pending_.empty() && pending_.top().offset < position_ + bytes.size()) {
    Reading reading{.table = pending_.top()};
    pending_.pop();
    if (reading.table.offset == last_offset) continue;  // many entries may name one table; once is enough
    last_offset = reading.table.offset;
    read(reading, bytes);
    readings_.push_back(reading);
  }
  std::erase_if(readings_,
                [](const Reading& reading) { return reading.passed == reading.table.entries * reading.table.stride; });
  position_ += bytes.size();
}

void TableScan::expect(const PointerTable& table) {
  if (table.offset >= entry_end_) pending_.push(table);
}

void TableScan::require(std::uint64_t end) { required_ = std::max(required_, end); }

void TableScan::report(std::string fault) {
  if (!fault_) fault_ = std::move(fault);
}

void TableScan::read(Reading& reading, std::span<const std::byte> bytes) {
  const std::uint64_t size = reading.table.entries * reading.table.stride;
  const std::uint64_t first = reading.table.offset + reading.passed - position_;
  const std::uint64_t count = std::min<std::uint64_t>(size - reading.passed, bytes.size() - first);
  for (const std::byte next : bytes.subspan(first, count)) read_byte(reading, next);
}

void TableScan::read_byte(Reading& reading, std::byte next) {
  const PointerTable& table = reading.table;
  const std::uint64_t place = reading.passed % table.stride;
  ++reading.passed;
  if (place >= table.width) return;
  const auto value = std::to_integer<std::uint64_t>(next);
  if (place == 0) reading.entry = 0;
  reading.entry = order_ == ByteOrder::big ? reading.entry << 8 | value : reading.entry | value << (8 * place);
  if (place + 1 < table.width) return;
  entry_end_ = table.offset + reading.passed;
  visit(table, (reading.passed - 1) / table.stride, reading.entry);
}

}  // namespace basecache::inspect
