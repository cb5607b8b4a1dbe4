#include "agent/nova_conf.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/config_options.hpp"

namespace basecache {
namespace {

// nova/conf/paths.py and compute.py; distributions package state_path so.
constexpr std::string_view kDefaultStatePath = "/var/lib/nova";
constexpr std::string_view kDefaultInstancesPath = "$state_path/instances";

bool is_reference_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

// Replaces the references of oslo.config's values (string.Template's, where "\$" and "$$" are a plain '$').
class References {
 public:
  References(const std::vector<ConfigEntry>& entries, const Path& file) : entries_(entries), file_(file) {}

  std::string expand(const ConfigEntry& entry) const { return expand(entry.value, entry, 0); }

 private:
  std::string expand(std::string_view text, const ConfigEntry& asking, unsigned depth) const {
    constexpr unsigned deepest = 8;
    if (depth > deepest) fail(asking, "refers to itself");
    std::string expanded;
    while (!text.empty()) {
      const std::size_t mark = std::min(text.find_first_of("\\$"), text.size());
      expanded += text.substr(0, mark);
      text.remove_prefix(mark);
      if (text.starts_with("\\$") || text.starts_with("$$")) {
        expanded += '$';
        text.remove_prefix(2);
      } else if (text.starts_with('$')) {
        expanded += expand(value_of(take_name(text, asking), asking), asking, depth + 1);
      } else if (!text.empty()) {
        expanded += text.front();
        text.remove_prefix(1);
      }
    }
    return expanded;
  }

  // Cuts "$name" or "${name}" off the start of `text`.
  std::string_view take_name(std::string_view& text, const ConfigEntry& asking) const {
    const bool braced = text.starts_with("${");
    text.remove_prefix(braced ? 2 : 1);
    const auto end = std::ranges::find_if_not(text, is_reference_byte);
    const std::string_view name = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(name.size());
    if (name.empty() || (braced && !text.starts_with('}'))) fail(asking, "has a '$' that names no option");
    text.remove_prefix(braced ? 1 : 0);
    return name;
  }

  std::string_view value_of(std::string_view name, const ConfigEntry& asking) const {
    const std::size_t dot = name.find('.');
    const std::string_view section = dot == std::string_view::npos ? "DEFAULT" : name.substr(0, dot);
    const std::string_view option = dot == std::string_view::npos ? name : name.substr(dot + 1);
    const auto last = std::find_if(entries_.rbegin(), entries_.rend(), [&](const ConfigEntry& entry) {
      return entry.section == section && entry.name == option;
    });
    if (last != entries_.rend()) return last->value;
    if (name == "state_path") return kDefaultStatePath;
    fail(asking, fmt::format("refers to {}, which this file doesn't set", quote(name)));
  }

  [[noreturn]] void fail(const ConfigEntry& entry, std::string_view what) const {
    Error error(ErrorCode::invalid_request,
                fmt::format("{}:{}: [{}] {} {}", quote(file_.native()), entry.line, entry.section, entry.name, what));
    error.set_hint(fmt::format("write the value itself into --config, under [{}] {}", entry.section, entry.name));
    throw error;
  }

  const std::vector<ConfigEntry>& entries_;
  const Path& file_;
};

template <class Wanted>
void append_where(std::vector<ConfigEntry>& out, const std::vector<ConfigEntry>& entries, Wanted&& wanted) {
  for (const ConfigEntry& entry : entries) {
    const ConfigOption* option = wanted(entry);
    if (option == nullptr) continue;
    out.push_back({std::string(option->section), std::string(option->name), entry.value, entry.line});
  }
}

const ConfigOption* find_by_old_name(const ConfigEntry& entry) {
  const auto all = config_options();
  const auto found = std::ranges::find_if(all, [&](const ConfigOption& option) {
    return option.old_section == entry.section && option.old_name == entry.name;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::vector<ConfigEntry> our_options(const std::vector<ConfigEntry>& nova, const Path& file) {
  std::vector<ConfigEntry> ours;
  for (const ConfigEntry& entry : nova) {
    if (entry.section != "DEFAULT" || entry.name != "state_path") continue;
    ours.push_back({"DEFAULT", "instances_path", std::string(kDefaultInstancesPath), entry.line});
  }
  append_where(ours, nova, find_by_old_name);
  append_where(ours, nova, [](const ConfigEntry& entry) { return find_option(entry.section, entry.name); });
  const References references(nova, file);
  for (ConfigEntry& entry : ours) entry.value = references.expand(entry);
  return ours;
}

}  // namespace basecache
