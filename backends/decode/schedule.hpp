#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "backends/decode/cluster_map.hpp"

namespace basecache::decode {

// An L2 table that the L1 table names.
struct TablePlace {
  std::uint64_t index = 0;   // in the L1 table
  std::uint64_t offset = 0;  // in the file
};

// What to do next.
struct NextStep {
  enum class Kind { load_table, decode, wait, done };
  Kind kind = Kind::done;
  TablePlace table = {};           // to be read, and given to add()
  std::vector<Extent> batch = {};  // to be decoded; they stand in the file one behind the other
  std::uint64_t until = 0;         // how much of the file must have arrived for there to be something to do
};

// In which order an image is decoded while its file arrives: as its bytes stand there, whatever the order of the
// guest's disk. What an L2 table names that hasn't arrived yet waits, by its place only. No more than about
// kMostWaiting extents wait in memory: then tables are left for later, on disk. What is handed out never takes more
// room in the file than has arrived: clusters that many entries share, of which a small image makes a huge disk, wait
// until the whole image is there and nobody has objected to it.
class Schedule {
 public:
  static constexpr std::size_t kMostWaiting = std::size_t{1} << 19;

  // `best_ratio`: of compressed clusters.
  Schedule(std::vector<TablePlace> tables, std::uint64_t table_length, std::uint64_t best_ratio);

  // `arrived`: how much of the file is there.
  NextStep next(std::uint64_t arrived);
  // Of the table that next() asked for last; in the order of their places.
  void add(std::vector<Extent> extents);

  // In the file, by what was handed out, if nothing were shared.
  std::uint64_t room_taken() const { return room_taken_; }

 private:
  struct Waiting {
    std::vector<Extent> extents;
    std::size_t first = 0;

    std::uint64_t next_end() const { return extents[first].host_end(); }
    bool is_done() const { return first == extents.size(); }
    void forget_done();
  };

  bool may_load() const { return next_table_ < tables_.size() && waiting_extents_ < kMostWaiting; }
  std::uint64_t table_end() const { return tables_[next_table_].offset + table_length_; }
  std::uint64_t least_room(const Extent& extent) const;
  std::vector<Extent> take_batch(std::uint64_t arrived);

  std::vector<TablePlace> tables_;  // in the order of their places
  std::uint64_t table_length_;
  std::uint64_t best_ratio_;
  std::size_t next_table_ = 0;
  std::vector<Waiting> waiting_;  // a heap: whose next extent arrives first is on top
  std::size_t waiting_extents_ = 0;
  std::uint64_t room_taken_ = 0;
};

}  // namespace basecache::decode
