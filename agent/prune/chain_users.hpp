#pragma once

#include "agent/cache/base_file_users.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/prune/disk_chain_reader.hpp"

namespace basecache::prune {

// Who uses a base file, by the backing chains of all disks of the node.
class ChainUsers final : public cache::BaseFileUsers {
 public:
  ChainUsers(const layout::CacheLayout& layout, const DiskChainReader& reader) : layout_(layout), reader_(reader) {}

  std::optional<std::string> reason_to_stay(const model::CacheKey& key) const override;

 private:
  const layout::CacheLayout& layout_;
  const DiskChainReader& reader_;
};

}  // namespace basecache::prune
