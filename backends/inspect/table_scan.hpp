#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <vector>

#include "backends/inspect/byte_reader.hpp"

namespace basecache::inspect {

// A table of file positions inside an image: `entries` numbers of `width` bytes, one every `stride` bytes.
struct PointerTable {
  std::uint64_t offset = 0;
  std::uint64_t entries = 0;
  std::uint32_t width = 8;
  std::uint32_t stride = 8;
  std::uint32_t level = 1;
  std::uint64_t index = 0;  // which table of its level
};

// Reads an image's allocation tables while they pass by and learns how long the file must be for everything they point
// at to be in it. That is what finds a cut-off image: "qemu-img convert" reads clusters behind the end of a qcow2, VMDK
// or VDI file as zeros and reports success. Only tables that stand behind the entry that names them can be read in
// passing, whatever the blocks; writers put them there, and a table standing elsewhere is itself required to be inside.
class TableScan {
 public:
  explicit TableScan(ByteOrder order) : order_(order) {}
  TableScan(const TableScan&) = delete;
  TableScan& operator=(const TableScan&) = delete;
  virtual ~TableScan() = default;

  // The image's next bytes, from its first one on.
  void feed(std::span<const std::byte> bytes);
  // The least length of the file that holds all that was seen to be pointed at.
  std::uint64_t required_length() const { return required_; }
  // The first entry that can't be right.
  const std::optional<std::string>& fault() const { return fault_; }

 protected:
  // Called for each entry of each table.
  virtual void visit(const PointerTable& table, std::uint64_t position, std::uint64_t entry) = 0;

  // To be read when it passes. From visit(): ignored when it begins before the end of the entry that named it. Tables
  // of one level must not overlap much: each byte is read once for each table that holds it.
  void expect(const PointerTable& table);
  void require(std::uint64_t end);
  void report(std::string fault);

 private:
  // A table of which some bytes have passed.
  struct Reading {
    PointerTable table;
    std::uint64_t passed = 0;  // bytes of it
    std::uint64_t entry = 0;   // as far as its bytes have passed
  };
  struct Later {
    bool operator()(const PointerTable& a, const PointerTable& b) const { return a.offset > b.offset; }
  };

  void read(Reading& reading, std::span<const std::byte> bytes);
  void read_byte(Reading& reading, std::byte next);

  ByteOrder order_;
  std::uint64_t position_ = 0;   // of the block being fed
  std::uint64_t entry_end_ = 0;  // of the entry being visited
  std::uint64_t required_ = 0;
  std::optional<std::string> fault_;
  std::priority_queue<PointerTable, std::vector<PointerTable>, Later> pending_;
  std::vector<Reading> readings_;
};

}  // namespace basecache::inspect
