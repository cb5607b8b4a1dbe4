#include "agent/provision/instance_volumes.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace basecache::provision {
namespace {

// A creation that was cancelled has time to remove what it made.
constexpr std::chrono::minutes kCleanupTime{2};

bool contains(const std::vector<std::string>& disks, const std::string& disk) {
  return std::ranges::find(disks, disk) != disks.end();
}

}  // namespace

InstanceVolumes::InstanceVolumes(VolumeStore& store, VolumeOwner owner, const OpContext& op)
    : store_(store), owner_(std::move(owner)) {
  for (const DiskVolume& volume : volumes_of(store_, owner_.instance.text(), op)) {
    if (volume.is_staged) {
      store_.remove(volume, op);
    } else {
      existing_.push_back(volume.disk);
    }
  }
}

// One that can't be removed doesn't keep the others from it: what is staged is found by the next creation, what was
// published is whole.
InstanceVolumes::~InstanceVolumes() {
  if (!is_begun_) return;
  try {
    const OpContext op("cleanup", {}, OpContext::Clock::now() + kCleanupTime, {});
    for (const DiskVolume& volume : volumes_of(store_, owner_.instance.text(), op)) {
      if (volume.is_staged || contains(published_, volume.disk)) remove_if_possible(store_, volume, op);
    }
  } catch (const std::exception&) {
  }
}

std::optional<model::DiskFormat> InstanceVolumes::existing(const std::string& disk) const {
  return contains(existing_, disk) ? std::optional(model::DiskFormat::raw) : std::nullopt;
}

DiskPlace InstanceVolumes::place(const std::string& disk) const {
  is_begun_ = true;
  return store_.place(owner_, disk);
}

void InstanceVolumes::add(const std::string& disk, model::DiskFormat) { added_.push_back(disk); }

void InstanceVolumes::publish(const OpContext& op) {
  for (const std::string& disk : added_) {
    store_.publish(store_.place(owner_, disk), op);
    published_.push_back(disk);
  }
}

}  // namespace basecache::provision
