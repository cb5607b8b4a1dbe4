#pragma once

#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/provision/guest_injector.hpp"

namespace basecache::test {

// Remembers what it was asked to put where.
class FakeInjector : public provision::GuestInjector {
 public:
  void inject(const provision::NewRootDisk& disk, const injection::Injection& injection, OpContext&) override {
    if (fails) throw Error(ErrorCode::image_unacceptable, "the fake guest takes nothing");
    disks.push_back(disk.path.filename().native());
    injections.push_back(injection);
  }

  bool fails = false;
  std::vector<std::string> disks;
  std::vector<injection::Injection> injections;
};

}  // namespace basecache::test
