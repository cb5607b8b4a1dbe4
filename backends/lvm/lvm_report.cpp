#include "backends/lvm/lvm_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

using nlohmann::json;

// lvs(8), lv_attr: one letter a place.
constexpr std::size_t kTypeAt = 0;
constexpr std::size_t kStateAt = 4;
constexpr std::size_t kOpenAt = 5;
constexpr std::size_t kZeroesAt = 7;
constexpr std::size_t kAttributes = 10;

constexpr std::string_view kVirtualOrigin = "_vorigin";

[[noreturn]] void refuse(std::string_view why) {
  throw Error(ErrorCode::tool_failed, fmt::format("cannot understand what lvm reports: {}", why));
}

// The rows of one kind ("lv") of all reports in the text.
std::vector<json> rows_of(std::string_view text, const char* kind) {
  try {
    std::vector<json> rows;
    const json whole = json::parse(text);
    for (const json& report : whole.at("report")) {
      for (const json& row : report.at(kind)) rows.push_back(row);
    }
    return rows;
  } catch (const json::exception& error) {
    refuse(quote(error.what()));
  }
}

std::string text_of(const json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || !found->is_string()) refuse(fmt::format("there is no {}", name));
  return found->get<std::string>();
}

Bytes bytes_of(const json& row, const char* name) {
  const std::string text = text_of(row, name);
  const auto count = parse_unsigned(text);
  if (!count) refuse(fmt::format("{} is {}, no number of bytes", name, quote(text)));
  return {*count};
}

// "12.34"; empty for what isn't active, which may be full for all that is known.
double percent_of(const json& row, const char* name) {
  const std::string text = text_of(row, name);
  if (text.empty()) return 100;
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (error != std::errc() || end != text.data() + text.size() || percent < 0) {
    refuse(fmt::format("{} is {}, no percentage", name, quote(text)));
  }
  return std::min(percent, 100.0);
}

// A snapshot of a hidden volume that reads as zeros is what LVM makes of a sparse one; of any other it is a snapshot.
bool is_sparse(const json& row) {
  std::string origin = text_of(row, "origin");
  if (origin.starts_with('[') && origin.ends_with(']')) origin = origin.substr(1, origin.size() - 2);
  return origin == text_of(row, "lv_name") + std::string(kVirtualOrigin);
}

VolumeKind kind_of(const json& row, char type) {
  switch (type) {
    case '-':
    case 'o':  // with snapshots of its own
      return VolumeKind::linear;
    case 's':
      return is_sparse(row) ? VolumeKind::sparse : VolumeKind::other;
    case 'V':
      return VolumeKind::thin;
    case 't':
      return VolumeKind::pool;
    default:
      return VolumeKind::other;
  }
}

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const auto length = std::min(list.find(','), list.size());
    if (length > 0) words.emplace_back(list.substr(0, length));
    list.remove_prefix(std::min(length + 1, list.size()));
  }
  return words;
}

Bytes free_of(Bytes size, double used_percent) {
  return {static_cast<std::uint64_t>(static_cast<double>(size.count) * (100 - used_percent) / 100)};
}

Volume volume_of(const json& row) {
  const std::string attributes = text_of(row, "lv_attr");
  if (attributes.size() < kAttributes) refuse(fmt::format("lv_attr is {}", quote(attributes)));
  const VolumeKind kind = kind_of(row, attributes[kTypeAt]);
  const bool is_thin = kind == VolumeKind::thin || kind == VolumeKind::pool;
  const bool reads_zeros = kind == VolumeKind::sparse || (is_thin && attributes[kZeroesAt] == 'z');
  const char state = attributes[kStateAt];
  // Of a sparse one lv_size is the store's.
  const Bytes size = bytes_of(row, kind == VolumeKind::sparse ? "origin_size" : "lv_size");
  return {.name = text_of(row, "lv_name"),
          .device = text_of(row, "lv_path"),
          .kind = kind,
          .size = size,
          .unwritten = reads_zeros ? Unwritten::zeros : Unwritten::unknown,
          .is_broken = state == 'I' || state == 'S',
          .is_open = attributes[kOpenAt] != '-',  // 'X': LVM can't tell
          .free = kind == VolumeKind::pool ? free_of(size, percent_of(row, "data_percent")) : Bytes{},
          .tags = words_of(text_of(row, "lv_tags"))};
}

}  // namespace

std::optional<GroupSpace> parse_group_report(std::string_view text) {
  const std::vector<json> rows = rows_of(text, "vg");
  if (rows.empty()) return std::nullopt;
  const GroupSpace space{.free = bytes_of(rows.front(), "vg_free"), .extent = bytes_of(rows.front(), "vg_extent_size")};
  if (space.extent == Bytes{0}) refuse("vg_extent_size is 0");
  return space;
}

std::vector<Volume> parse_volume_report(std::string_view text) {
  std::vector<Volume> volumes;
  for (const json& row : rows_of(text, "lv")) volumes.push_back(volume_of(row));
  return volumes;
}

}  // namespace basecache::lvm
