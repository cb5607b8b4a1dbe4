#include "backends/decode/sparse_output.hpp"

#include <unistd.h>

#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/zero_blocks.hpp"

namespace basecache::decode {
namespace {

const Path kName = "the decoded disk";

}  // namespace

SparseOutput::SparseOutput(int fd, std::uint64_t size) : fd_(fd), behind_(fd, kName) {
  if (::ftruncate(fd, static_cast<off_t>(size)) == 0) return;
  const int error = errno;
  throw Error::from_errno(error, "make room for the decoded disk");
}

void SparseOutput::write(std::span<const std::byte> bytes, std::uint64_t offset, SectorSum& sum) {
  for_each_run_to_write(bytes, offset, [&](std::span<const std::byte> run, std::uint64_t place) {
    write_all_at(fd_, run, place, kName);
    sum.add(run, place);
    behind_.wrote(Bytes{run.size()});
  });
}

}  // namespace basecache::decode
