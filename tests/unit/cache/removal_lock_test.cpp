#include "agent/cache/removal_lock.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <functional>

#include "agent/cache/leases.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::cache;

namespace {

class FakeUsers : public BaseFileUsers {
 public:
  std::optional<std::string> reason_to_stay(const model::CacheKey&, const OpContext&) const override {
    if (on_asked) on_asked();
    return reason;
  }
  std::function<void()> on_asked;
  std::optional<std::string> reason;
};

struct RemovalNode {
  RemovalNode() {
    layout::prepare_directories(layout);
    write_file(layout.base_file(key), "base");
  }
  std::optional<std::string> reason_to_stay() const {
    return RemovalLock(layout, key, users, test_operation()).reason_to_stay();
  }
  bool is_free() const {
    FileLock file(layout.lock_file(key));
    return ExclusiveLock(file, boost::interprocess::try_to_lock).owns();
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch / "instances"};
  model::CacheKey key = model::CacheKey::for_image("image");
  FakeUsers users;
  Leases leases{layout};
};

}  // namespace

TEST_CASE("the lock is free while it is asked who uses the base file, and held when nobody does") {
  RemovalNode node;
  bool was_free = false;
  node.users.on_asked = [&] { was_free = node.is_free(); };
  {
    const RemovalLock lock(node.layout, node.key, node.users, test_operation());
    CHECK_FALSE(lock.reason_to_stay());
    CHECK_FALSE(node.is_free());
  }
  CHECK(was_free);
  CHECK(node.is_free());
}

TEST_CASE("what somebody uses, or begins to use while it is asked, stays") {
  RemovalNode node;
  node.users.reason = "used by web01";
  CHECK(node.reason_to_stay() == "used by web01");
  CHECK(node.is_free());

  node.users.reason.reset();
  node.users.on_asked = [&] { (void)node.leases.hold(node.key, test_operation()); };  // and let go
  CHECK(node.reason_to_stay() == "it was used while its users were looked for");
  CHECK(node.is_free());

  std::shared_ptr<BaseFileLease::Held> lease;
  node.users.on_asked = [&] { lease = node.leases.hold(node.key, test_operation()); };
  CHECK(node.reason_to_stay().value_or("").starts_with("its lock is held"));
  node.users.on_asked = [] { FAIL("asked although the lock is held"); };
  CHECK(node.reason_to_stay().value_or("").starts_with("its lock is held"));
}

TEST_CASE("one that goes meanwhile is the caller's to miss") {
  RemovalNode node;
  node.users.on_asked = [&] { boost::filesystem::remove(node.layout.base_file(node.key)); };
  CHECK_FALSE(node.reason_to_stay());
}
