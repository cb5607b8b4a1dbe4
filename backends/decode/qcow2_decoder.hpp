#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "backends/decode/arriving_file.hpp"
#include "backends/decode/cluster_map.hpp"
#include "backends/decode/schedule.hpp"
#include "backends/decode/sparse_output.hpp"

namespace basecache::decode {

struct DecodedDisk {
  std::uint64_t size = 0;
  SectorSum sum;
};

// Turns a qcow2 file (version 2 or 3, zlib or zstd, extended L2 or not) into the raw disk that it holds, by several
// threads, while the file still arrives. It relies on nothing that the file says: whatever its tables name is read from
// that file only and written into that disk only. Whether the image is fit for use is for the inspector to say.
class Qcow2Decoder {
 public:
  // `output_fd`: an empty file. Both outlive this.
  Qcow2Decoder(ArrivingFile& image, int output_fd) : image_(image), output_fd_(output_fd) {}

  // Once. `passed` hears now and then, of one thread at a time, which place of the file the
  // decoding has come to. Error(image_unacceptable) for what isn't a qcow2 of that kind or is damaged, others
  // as of reading and writing.
  DecodedDisk decode(std::size_t threads, std::function<void(std::uint64_t place)> passed = {});

 private:
  class Worker;

  std::vector<TablePlace> read_l1();
  void work();
  void require_room() const;
  void load_table(const TablePlace& place, std::vector<std::byte>& table);
  void add_sum(const SectorSum& sum);
  void fail(std::exception_ptr why);

  ArrivingFile& image_;
  int output_fd_;
  std::function<void(std::uint64_t)> passed_;
  Geometry geometry_;
  std::optional<SparseOutput> output_;
  std::mutex mutex_;  // of what follows
  std::optional<Schedule> schedule_;
  std::exception_ptr failure_;
  SectorSum sum_;
};

}  // namespace basecache::decode
