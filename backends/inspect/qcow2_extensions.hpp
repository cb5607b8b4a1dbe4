#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "backends/inspect/byte_reader.hpp"
#include "backends/inspect/findings.hpp"
#include "backends/inspect/qcow2_header.hpp"

namespace basecache::inspect {

// Where a qcow2 keeps the directory of its persistent dirty bitmaps.
struct Qcow2BitmapDirectory {
  std::uint32_t bitmaps = 0;
  ByteRange place = {};
};

// Walks the header extensions, which end with an end mark or with the first cluster. Refuses those that name other
// files or keys, and a chain that doesn't end. Returns the bitmap directory, when there is
// one in force.
std::optional<Qcow2BitmapDirectory> check_extensions(const Qcow2Header& header, const ByteReader& bytes,
                                                     Findings& findings);

}  // namespace basecache::inspect
