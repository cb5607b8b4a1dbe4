#pragma once

#include "agent/cache/base_file_users.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/prune/disk_chain_reader.hpp"
#include "agent/prune/usage.hpp"

namespace basecache::prune {

// Who uses which base file of this node, by everything that can tell.
class UseGraph final : public cache::BaseFileUsers {
 public:
  UseGraph(const layout::CacheLayout& layout, const DiskChainReader& chains) : layout_(layout), chains_(chains) {}

  Usage collect(const OpContext& op) const;

  std::optional<std::string> reason_to_stay(const model::CacheKey& key, const OpContext& op) const override;

 private:
  const layout::CacheLayout& layout_;
  const DiskChainReader& chains_;
};

}  // namespace basecache::prune
