#include "agent/cache/reservations.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "agent/base/error.hpp"

namespace basecache::cache {
namespace {

constexpr int kAttempts = 3;  // others may take the room that was made
constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr const char* kMissingField = "missing_bytes";

Bytes still_to_write(const std::string& file, Bytes wanted) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) != 0) return wanted;
  const Bytes allocated{static_cast<std::uint64_t>(found.st_blocks) * 512};
  return allocated < wanted ? wanted - allocated : Bytes{0};
}

Error does_not_fit(const std::string& what, Bytes size, const Capacity& capacity, const StayingBytes& staying) {
  const Bytes missing = capacity.excess();
  const std::string stays = staying.text();
  Error error(ErrorCode::no_space,
              fmt::format("{} needs {}, for which {} are missing: {}{}", what, to_text(size), to_text(missing),
                          capacity.limit_met(), stays.empty() ? "" : "; of the cache stay " + stays));
  const auto number = [&](const char* name, Bytes value) { error.add_field(name, std::to_string(value.count)); };
  number("wanted_bytes", size);
  number(kMissingField, missing);
  number("needed_bytes", capacity.needed);
  number("used_bytes", capacity.used);
  if (capacity.max_bytes) number("max_bytes", *capacity.max_bytes);
  number("free_bytes", capacity.free);
  number("min_free_bytes", capacity.min_free);
  number("under_disks_bytes", staying.under_disks);
  number("leased_bytes", staying.leased);
  number("pinned_bytes", staying.pinned);
  number("quarantined_bytes", staying.quarantined);
  error.set_hint(
      "free space there, or change [basecache] cache_max_bytes or min_free_bytes; 'basecache cache prune --dry-run' "
      "says why each base file stays");
  return error;
}

Error does_not_fit_ahead(const std::string& what, Bytes size, const Capacity& capacity) {
  Error error = does_not_fit(what, size, capacity, {});
  error.set_hint("nothing is removed for what is made ahead of need; a request for it makes room");
  return error;
}

}  // namespace

Reservations::Reservation::Reservation(Reservations& all, std::string what) : all_(all), what_(std::move(what)) {
  const std::scoped_lock guard(all_.mutex_);
  own_ = all_.wanted_.emplace(all_.wanted_.end());
}

Reservations::Reservation::~Reservation() {
  const std::scoped_lock guard(all_.mutex_);
  all_.wanted_.erase(own_);
}

void Reservations::Reservation::settle(const Path& file) {
  const std::scoped_lock guard(all_.mutex_);
  own_->erase(file.native());
}

void Reservations::Reservation::settle() {
  const std::scoped_lock guard(all_.mutex_);
  own_->clear();
}

void Reservations::Reservation::want(const Path& file, Bytes size, Certainty certainty, const OpContext& op) {
  const bool must_fit = certainty == Certainty::exact || all_.limits_.are_set();
  const Wish wish{.own = own_, .file = file, .size = size, .is_counted = must_fit};
  if (all_.grant_if_fits(wish).excess().count == 0) return;
  const bool makes_room = !op.is_ahead();
  const StayingBytes staying = makes_room ? all_.make_room(wish, op) : StayingBytes{};
  const Capacity capacity = all_.grant_if_fits(wish, Wishes::let_go);
  if (!must_fit || capacity.excess().count == 0) return;
  throw makes_room ? does_not_fit(what_, size, capacity, staying) : does_not_fit_ahead(what_, size, capacity);
}

bool Reservations::refused(const Error& error) {
  return std::ranges::find(error.fields(), kMissingField, [](const auto& field) { return field.first; }) !=
         error.fields().end();
}

StayingBytes Reservations::make_room(const Wish& wish, const OpContext& op) {
  std::unique_lock turn(making_room_, std::defer_lock);
  // Whoever has the turn may be asking libvirt, which may wait for a hook: who is waited for by one goes on without.
  while (!turn.try_lock() && !op.hook_wait().is_on()) op.wait_for(kBetweenLooks);
  const auto measure = [&] {
    const std::scoped_lock guard(mutex_);
    Capacity capacity = needed_with(wish);
    capacity.all_or_nothing = true;
    return capacity;
  };
  RoomMade made;
  // While we waited somebody may have made room enough.
  for (int attempt = 0; attempt < kAttempts && grant_if_fits(wish).excess().count > 0; ++attempt) {
    made = rooms_.make_room(measure, op);
    if (made.freed.count == 0 || made.staying.usage_unknown) break;
  }
  return made.staying;
}

Capacity Reservations::grant_if_fits(const Wish& wish, Wishes wishes) {
  const std::scoped_lock guard(mutex_);
  Capacity capacity = needed_with(wish);
  if (wishes == Wishes::let_go) capacity = capacity.required();
  if (wish.is_counted && capacity.excess().count == 0) (*wish.own)[wish.file.native()] = wish.size;
  return capacity;
}

Capacity Reservations::needed_with(const Wish& wish) const {
  Capacity capacity = limits_.measure(layout_).needing(still_to_write(wish.file.native(), wish.size));
  for (auto build = wanted_.begin(); build != wanted_.end(); ++build) {
    for (const auto& [file, size] : *build) {
      if (build == wish.own && file == wish.file.native()) continue;
      capacity = capacity.needing(still_to_write(file, size));
    }
  }
  return capacity;
}

}  // namespace basecache::cache
