#include "agent/provision/instance_volumes.hpp"

#include <algorithm>
#include <chrono>
#include <exception>

namespace basecache::provision {
namespace {

// A creation that was cancelled has time to remove what it made.
constexpr std::chrono::minutes kCleanupTime{2};

}  // namespace

InstanceVolumes::InstanceVolumes(VolumeStore& store, const model::InstanceId& uuid, const OpContext& op)
    : store_(store), uuid_(uuid) {
  remove_staged(op);
}

InstanceVolumes::~InstanceVolumes() {
  if (!is_begun_) return;
  try {
    remove_staged(OpContext("cleanup", {}, OpContext::Clock::now() + kCleanupTime, {}));
  } catch (const std::exception&) {
    // The next creation finds it by its name.
  }
}

// Each listing is a command of some tenths of a second.
void InstanceVolumes::remove_staged(const OpContext& op) {
  existing_.clear();
  for (const DiskVolume& volume : store_.volumes_of(uuid_, op)) {
    if (volume.is_staged) {
      store_.remove(store_.place(uuid_, volume.disk).staged, op);
    } else {
      existing_.push_back(volume.disk);
    }
  }
}

std::optional<model::DiskFormat> InstanceVolumes::existing(const std::string& disk) const {
  const bool is_there = std::ranges::find(existing_, disk) != existing_.end();
  return is_there ? std::optional(model::DiskFormat::raw) : std::nullopt;
}

DiskPlace InstanceVolumes::place(const std::string& disk) const {
  is_begun_ = true;
  return store_.place(uuid_, disk);
}

void InstanceVolumes::add(const std::string& disk, model::DiskFormat) { added_.push_back(disk); }

void InstanceVolumes::keep(const OpContext& op) {
  for (const std::string& disk : added_) store_.publish(store_.place(uuid_, disk), op);
  is_begun_ = false;
}

}  // namespace basecache::provision
