#include "backends/inspect/refusal.hpp"

#include <utility>

namespace basecache::inspect {

std::string_view name_of(Check check) {
  switch (check) {
    case Check::unsupported_format:
      return "unsupported_format";
    case Check::several_formats:
      return "several_formats";
    case Check::declared_format:
      return "declared_format";
    case Check::truncated:
      return "truncated";
    case Check::header:
      return "header";
    case Check::features:
      return "features";
    case Check::backing_file:
      return "backing_file";
    case Check::data_file:
      return "data_file";
    case Check::encryption:
      return "encryption";
    case Check::snapshots:
      return "snapshots";
    case Check::virtual_size:
      return "virtual_size";
    case Check::descriptor:
      return "descriptor";
    case Check::tables:
      return "tables";
    case Check::partition_table:
      return "partition_table";
  }
  return "";
}

void refuse(Check check, std::string found, std::string hint) {
  throw Refusal{check, std::move(found), std::move(hint)};
}

}  // namespace basecache::inspect
