#include "tests/lvm/real_group.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <chrono>
#include <cstdlib>
#include <span>
#include <stdexcept>

#include "agent/base/posix_file.hpp"
#include "agent/base/write_behind.hpp"
#include "backends/lvm/volume_name.hpp"
#include "tests/support/tool.hpp"

namespace basecache::test {
namespace {

std::string name_of_group() {
  const char* name = std::getenv("BASECACHE_TEST_VOLUME_GROUP");
  if (name == nullptr) throw std::runtime_error("there is no volume group: run this by tests/lvm/lvm_rig.py");
  return name;
}

lvm::GroupSettings settings_for(lvm::Allocation allocation) {
  return {name_of_group(), allocation, allocation == lvm::Allocation::thin ? RealGroup::kPool : ""};
}

}  // namespace

// Emulated, a command of LVM's takes a second.
RealGroup::RealGroup(lvm::Allocation allocation)
    : group_(settings_for(allocation)), op_("test", {}, OpContext::Clock::now() + std::chrono::minutes(10)) {}

RealGroup::~RealGroup() { CHECK_NOTHROW(remove_all()); }

void RealGroup::make_pool(Bytes size, const std::string& option) const {
  run_tool({"lvm", "lvcreate", "--yes", "--type", "thin-pool", "--size", std::to_string(size.count) + "b",
            "--poolmetadatasize", "4m", option, "--name", kPool, group_.name()});
  // By default writers to a full pool wait for a minute.
  run_tool({"lvm", "lvchange", "--errorwhenfull", "y", group_.name() + "/" + kPool});
}

lvm::Volume RealGroup::create(const std::string& name, Bytes size, Bytes data) const {
  return group_.create({name, size, data}, op_);
}

void RealGroup::soil(Bytes size, char letter) const {
  const lvm::Volume anothers = create("anothers", size);
  fill_device(anothers.device, size, letter);
  group_.remove("anothers", op_);
}

void RealGroup::remove_all() const {
  for (const lvm::Volume& volume : group_.volumes(op_)) group_.remove(volume.name, op_);
}

std::string name_of_disk(const std::string& disk, bool is_staged) {
  return lvm::volume_name({"4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90", disk, is_staged});
}

std::string read_device(const Path& device, Bytes count) {
  const UniqueFd fd = open_file(device, O_RDONLY);
  drop_pages(fd.get(), {});
  std::string content(count.count, '\0');
  content.resize(read_at(fd.get(), std::as_writable_bytes(std::span(content)), 0, device));
  return content;
}

void fill_device(const Path& device, Bytes size, char letter) {
  const UniqueFd fd = open_file(device, O_WRONLY);
  const std::string content(size.count, letter);
  write_all(fd.get(), std::as_bytes(std::span(content)), device);
  sync_file(fd.get(), device);
}

}  // namespace basecache::test
