#include "agent/fetch/staged_transfer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::fetch {
namespace {

StagedFile open_staged_file(const Path& path, const std::optional<LeftTransfer>& left) {
  if (!left) return StagedFile::create(path);
  return StagedFile::reopen(path, left->count);
}

}  // namespace

StagedTransfer::StagedTransfer(const layout::CacheLayout& layout, model::CacheKey key, std::string origin,
                               Unsynced unsynced, std::function<Clock::time_point()> now)
    : StagedTransfer(layout, key, std::move(origin), unsynced, std::move(now),
                     find_left_transfer(layout, key, unsynced)) {}

StagedTransfer::StagedTransfer(const layout::CacheLayout& layout, model::CacheKey key, std::string origin,
                               Unsynced unsynced, std::function<Clock::time_point()> now,
                               const std::optional<LeftTransfer>& left)
    : layout_(layout),
      key_(std::move(key)),
      unsynced_(unsynced),
      now_(std::move(now)),
      synced_at_(now_()),
      file_(open_staged_file(layout.fetched(key_), left)) {
  if (left) journal_ = left->journal;
  journal_.origin = std::move(origin);
  if (left) write_journal(layout_, key_, journal_);  // from here on it is this boot's
}

StagedTransfer::~StagedTransfer() {
  const bool is_elsewhere = path().empty();
  if (is_elsewhere || journal_.transfer.version.empty()) return;
  try_to_flush();
  if (file_.size() < kLeastHeld) {
    ::unlink(layout_.transfer_journal(key_).c_str());
  } else {
    if (unsynced_ == Unsynced::distrusted) try_to_sync();
    std::move(file_).leave();
  }
}

std::optional<HeldBytes> StagedTransfer::held() {
  flush();
  if (journal_.transfer.version.empty() || size().count == 0) return std::nullopt;
  return HeldBytes{.transfer = journal_.transfer, .count = size()};
}

void StagedTransfer::read(std::span<std::byte> out, Bytes offset) const {
  if (read_at(file_.fd(), out, static_cast<off_t>(offset.count), path()) == out.size()) return;
  throw Error(ErrorCode::storage_unusable, fmt::format("{} became shorter while it was read", quote(path().native())));
}

void StagedTransfer::start(const Transfer& transfer) {
  piece_.clear();
  file_.restart();
  remove_file(layout_.transfer_journal(key_));
  // Did the removed journal come back after a power cut, it would vouch for bytes that aren't its transfer's.
  if (journal_.synced.count > 0) {
    layout::make_state_directory(layout_, layout_.transfer_directory());
    sync_directory(layout_.transfer_directory());
  }
  journal_.transfer = transfer;
  journal_.synced = {};
  if (!transfer.version.empty()) write_journal(layout_, key_, journal_);
}

void StagedTransfer::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t room = kPiece.count - received().count % kPiece.count;
    std::size_t count = std::min(room, bytes.size());
    if (piece_.empty() && count == room) {
      count += (bytes.size() - room) / kPiece.count * kPiece.count;
      write(bytes.first(count));
    } else {
      piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
      if (count == room) flush();
    }
    bytes = bytes.subspan(count);
  }
}

void StagedTransfer::flush() {
  if (piece_.empty()) return;
  write(piece_);
  piece_.clear();
}

void StagedTransfer::finish() {
  flush();
  file_.finish();
}

void StagedTransfer::write(std::span<const std::byte> bytes) {
  file_.append(bytes);
  if (!journal_.transfer.version.empty() && now_() - synced_at_ >= kSyncInterval) renew_journal();
}

void StagedTransfer::renew_journal() {
  file_.sync();
  synced_at_ = now_();
  journal_.synced = size();
  write_journal(layout_, key_, journal_);
}

// Where this fails a later builder finds less.
void StagedTransfer::try_to_flush() noexcept {
  try {
    flush();
  } catch (const std::exception&) {
  }
}

// Where this fails a later builder finds what was synced before.
void StagedTransfer::try_to_sync() noexcept {
  try {
    renew_journal();
  } catch (const std::exception&) {
  }
}

}  // namespace basecache::fetch
