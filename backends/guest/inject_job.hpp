#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/injection/injection.hpp"

namespace basecache::guest {

// What the child is told on its standard input (CBOR, of one version of ours to the same).
struct InjectJob {
  std::uint64_t disk_size = 0;
  injection::Injection injection;
};

// An item that couldn't be put in, of which nothing was.
struct ItemFailure {
  injection::ItemKind kind = injection::ItemKind::files;
  std::string why;
};

std::string to_bytes(const InjectJob& job);
InjectJob job_from(std::string_view bytes);  // Error(internal)

// What the child says on its standard output (JSON).
std::string to_text(const std::vector<ItemFailure>& failures);
// Error(tool_failed) for what no child of ours says, one failure of each item that was asked for at most: the guest may
// have taken it over. The reasons are quoted, of 400 bytes at most.
std::vector<ItemFailure> failures_from(std::string_view text, const injection::Injection& asked);

}  // namespace basecache::guest
