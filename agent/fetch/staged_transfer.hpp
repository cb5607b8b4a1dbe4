#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/staged_file.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/fetch/transfer_journal.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::fetch {

// The bytes of one image on disk while they arrive: a staged file and, when the source can tell which bytes it sends,
// its journal. Begins with what an earlier transfer of that image left. The destructor leaves both for a later one when
// there is a journal and enough to go on with, else it removes both; remove_transfer() does so in any case.
// The caller holds the exclusive lock of the key, longer than this lives.
class StagedTransfer {
 public:
  using Clock = std::chrono::steady_clock;
  // How much a power cut may take from a transfer, and kill -9 where bytes that weren't synced are distrusted. Most
  // transfers are over before: what becomes another file, or goes with a refused image, is never waited for.
  static constexpr std::chrono::seconds kSyncInterval{5};
  // What arrives is written in pieces that end at multiples of this: bytes come in small pieces that begin anywhere,
  // and the page cache takes those at several times the cost of whole runs of pages.
  static constexpr Bytes kPiece = kibibytes(256);

  // `origin`: the image ref as it may be shown. `now`: the time, for tests.
  StagedTransfer(const layout::CacheLayout& layout, model::CacheKey key, std::string origin,
                 Unsynced unsynced = Unsynced::trusted, std::function<Clock::time_point()> now = Clock::now);
  StagedTransfer(StagedTransfer&&) noexcept = default;
  StagedTransfer& operator=(StagedTransfer&&) = delete;
  ~StagedTransfer();

  // All that was received, in the file.
  std::optional<HeldBytes> held();
  // Fills `out` with bytes that are held, from `offset`; Error when the file ends before.
  void read(std::span<std::byte> out, Bytes offset) const;

  void start(const Transfer& transfer);  // void and empty
  // In the file, and counted by size(), with the next piece that is whole; the last ones by flush().
  void append(std::span<const std::byte> bytes);
  void flush();
  // With what isn't in the file yet.
  Bytes received() const { return size() + Bytes{piece_.size()}; }
  // The whole image, from a file; `reached` is told how much of it is here. Returns whether it shares the file's
  // blocks.
  bool copy(const CopyEnd& file, Bytes size, const std::function<void(Bytes)>& reached, const OpContext& op) {
    return file_.fill(file, size, reached, op);
  }
  void write_behind() { file_.write_behind(); }  // of what becomes a base file as it comes
  void finish();                                 // after the last byte

  const Path& path() const { return file_.path(); }
  int fd() const { return file_.fd(); }
  Bytes size() const { return file_.size(); }  // readable at fd()
  // To be published. The journal stays until remove_transfer(): whoever is killed before doesn't fetch again.
  StagedFile take_file() && { return std::move(file_); }

 private:
  StagedTransfer(const layout::CacheLayout& layout, model::CacheKey key, std::string origin, Unsynced unsynced,
                 std::function<Clock::time_point()> now, const std::optional<LeftTransfer>& left);
  void write(std::span<const std::byte> bytes);
  void try_to_flush() noexcept;
  void renew_journal();
  void try_to_sync() noexcept;

  const layout::CacheLayout& layout_;
  model::CacheKey key_;
  Unsynced unsynced_;
  std::function<Clock::time_point()> now_;
  Clock::time_point synced_at_;
  StagedFile file_;
  std::vector<std::byte> piece_;  // goes behind what is in the file
  TransferJournal journal_;       // its version is "" while there is none on disk
};

}  // namespace basecache::fetch
