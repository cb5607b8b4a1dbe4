#include "agent/fetch/transfer_journal.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::fetch {
namespace {

using nlohmann::json;

// Of the running kernel, proc(5): a UUID and a newline. The file says that its size is 0. "" where a service is shown
// nothing of /proc but processes (systemd's ProcSubset=pid): then nobody knows which boot it is.
std::string boot_id() {
  const Path path("/proc/sys/kernel/random/boot_id");
  try {
    const UniqueFd fd = open_file(path, O_RDONLY);
    std::array<char, 36> text{};
    const std::size_t count = read_at(fd.get(), std::as_writable_bytes(std::span(text)), 0, path);
    return {text.data(), count};
  } catch (const Error&) {
    return {};
  }
}

bool is_of_this_boot(const std::string& boot) { return !boot.empty() && boot == boot_id(); }

// Of a file that still grows: without the length, which identity_of() puts last.
std::string growing_identity_of(const Path& path) {
  const std::optional<std::string> identity = identity_of(path);
  if (!identity) {
    throw Error(ErrorCode::storage_unusable, "staged file " + quote(path.native()) + " has vanished")
        .set_hint("leave the files below _base to basecache; the next attempt fetches the image again");
  }
  return identity->substr(0, identity->rfind(':'));
}

TransferJournal journal_from(const json& object) {
  TransferJournal journal;
  journal.origin = object.at("origin").get<std::string>();
  journal.transfer.version = object.at("version").get<std::string>();
  if (object.contains("size")) journal.transfer.size = Bytes{object.at("size").get<std::uint64_t>()};
  journal.synced = {object.at("synced").get<std::uint64_t>()};
  return journal;
}

// All of the staged file, or what of it was synced. Nothing when the file lacks bytes that
// the journal vouches for, or has more than the image: something else has happened to it.
std::optional<Bytes> trusted_count(const TransferJournal& journal, Bytes length, bool all) {
  if (length < journal.synced || length > journal.transfer.size.value_or(length)) return std::nullopt;
  const Bytes count = all ? length : journal.synced;
  return count < kLeastHeld ? std::nullopt : std::optional(count);
}

}  // namespace

void write_journal(const layout::CacheLayout& layout, const model::CacheKey& key, const TransferJournal& journal) {
  json object = {{"origin", journal.origin},
                 {"version", journal.transfer.version},
                 {"file", growing_identity_of(layout.fetched(key))},
                 {"boot", boot_id()},
                 {"synced", journal.synced.count},
                 {"written", std::time(nullptr)}};
  if (journal.transfer.size) object["size"] = journal.transfer.size->count;
  layout::replace_state_file(layout, layout.transfer_journal(key),
                             object.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

std::optional<LeftTransfer> find_left_transfer(const layout::CacheLayout& layout, const model::CacheKey& key,
                                               Unsynced unsynced) {
  try {
    const auto text = read_small_file(layout.transfer_journal(key));
    if (!text) return std::nullopt;
    const json object = json::parse(*text);
    const TransferJournal journal = journal_from(object);
    const Path staged = layout.fetched(key);
    if (journal.transfer.version.empty() || object.at("file") != growing_identity_of(staged)) return std::nullopt;
    const bool all = unsynced == Unsynced::trusted && is_of_this_boot(object.at("boot").get<std::string>());
    const auto count = trusted_count(journal, sizes_of(staged).apparent, all);
    return count ? std::optional(LeftTransfer{journal, *count}) : std::nullopt;
  } catch (const std::exception&) {
    // Left half written by a power cut, or unreadable: the image is fetched from its first byte.
    return std::nullopt;
  }
}

void remove_transfer(const layout::CacheLayout& layout, const model::CacheKey& key) {
  remove_file(layout.transfer_journal(key));
  remove_file(layout.fetched(key));
}

}  // namespace basecache::fetch
