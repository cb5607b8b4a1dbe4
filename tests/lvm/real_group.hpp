#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "backends/lvm/volume_group.hpp"

namespace basecache::test {

// The volume group that lvm_rig.py made, empty at the beginning and at the end of each test case.
class RealGroup {
 public:
  static constexpr const char* kPool = "pool";

  explicit RealGroup(lvm::Allocation allocation = lvm::Allocation::linear);
  RealGroup(const RealGroup&) = delete;
  RealGroup& operator=(const RealGroup&) = delete;
  ~RealGroup();

  const lvm::VolumeGroup& group() const { return group_; }
  const OpContext& op() const { return op_; }

  // `option`: for lvcreate, "--zero=n" for a pool that doesn't zero what it gives.
  void make_pool(Bytes size, const std::string& option) const;
  lvm::Volume create(const std::string& name, Bytes size, Bytes data = {}) const;

  // Lets another tenant have written `letter` all over the space that the next volume of that size will get.
  void soil(Bytes size, char letter) const;

 private:
  void remove_all() const;

  lvm::VolumeGroup group_;
  OpContext op_;
};

// A name of an instance's volume.
std::string name_of_disk(const std::string& disk, bool is_staged = false);

// Its first `count` bytes, past what this process may still have in memory of it.
std::string read_device(const Path& device, Bytes count);
void fill_device(const Path& device, Bytes size, char letter);

}  // namespace basecache::test
