#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/path.hpp"

namespace basecache::qcow2 {

// The parts of a qcow2 header that we use (QEMU's docs/interop/qcow2.txt; versions 2 and 3). Reading one starts no
// program and takes no lock, so it may be done to the disk of a running guest. What the guest can't reach isn't
// trusted either: every offset and length is checked.
struct Header {
  Bytes virtual_size;
  std::uint32_t cluster_bits = 16;
  std::optional<std::string> backing_file;    // as the header spells it: may be relative to the file's directory
  std::optional<std::string> backing_format;  // QEMU's name; absent when the header leaves it to be guessed

  // Error(storage_unusable) when it can't be opened or isn't qcow2.
  static Header read(const Path& file);

  // `first_cluster` is the beginning of the file, as much as there is of its first cluster; `name` is for messages.
  static Header parse(std::span<const std::byte> first_cluster, const Path& name);
};

// Whether a file that begins with these bytes calls itself qcow2 (or its predecessor).
bool has_magic(std::span<const std::byte> beginning);

}  // namespace basecache::qcow2
