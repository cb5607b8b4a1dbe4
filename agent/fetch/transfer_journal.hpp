#pragma once

#include <optional>
#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/layout/cache_layout.hpp"

namespace basecache::fetch {

// Less than this isn't worth going on with: to ask the source how costs as much as to fetch it again.
inline constexpr Bytes kLeastHeld = mebibytes(1);

// What the bytes of a staged file are, kept beside it in .basecache/transfers/, so that a later attempt or another
// process can go on behind them. Never the image's URL with its query, nor a token. Whoever reads, writes or removes
// one holds the exclusive lock of its key.
struct TransferJournal {
  std::string origin;  // the image ref as it may be shown; for people
  Transfer transfer;   // its version isn't ""
  Bytes synced = {};   // so much of the staged file outlives a power cut
};

// For the staged file that is there now. Lazily: what a power cut takes from the journal is only fetched again.
void write_journal(const layout::CacheLayout& layout, const model::CacheKey& key, const TransferJournal& journal);

// Whether to go on with bytes that were written but not synced. The kernel that wrote them still has them, unless the
// file system failed, was taken away or came back from a server that had forgotten them; nothing tells that for sure.
// So only where the whole image will be verified; elsewhere lost bytes would become holes of the image.
enum class Unsynced { trusted, distrusted };

// The journal of the staged file that is there, and how many of its bytes are what the source has sent: the synced
// ones, and those that a killed process wrote since when they are trusted and the machine wasn't restarted.
struct LeftTransfer {
  TransferJournal journal;
  Bytes count;  // at least kLeastHeld
};
// Nothing when file or journal are missing, damaged, not of each other, or have too little.
std::optional<LeftTransfer> find_left_transfer(const layout::CacheLayout& layout, const model::CacheKey& key,
                                               Unsynced unsynced = Unsynced::trusted);

// Removes the staged file and its journal; what isn't there needn't be.
void remove_transfer(const layout::CacheLayout& layout, const model::CacheKey& key);

}  // namespace basecache::fetch
