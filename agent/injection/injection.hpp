#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/model/instance_spec.hpp"

namespace basecache::injection {

// What Nova writes into a root file system, in its words and its order (nova/virt/disk/api.py, inject_data_into_fs).
enum class ItemKind { key, network, metadata, admin_password, files };

// "key", "net", "metadata", "admin_password", "files".
std::string_view name_of(ItemKind kind);

struct Item {
  ItemKind kind = ItemKind::files;
  // The ssh key, the text of /etc/network/interfaces, the JSON of meta.js, or the crypt (never the password itself).
  std::string text = {};
  std::vector<model::InjectedFile> files = {};

  // As Nova calls inject_data: what else fails is told, and the creation goes on.
  bool is_mandatory() const { return kind == ItemKind::files; }
};

// Where the root file system is on its disk; else the number of a partition.
inline constexpr int kInspect = -1;   // it is looked for
inline constexpr int kWholeDisk = 0;  // no partitions
inline constexpr int kSwitchedOff = -2;

struct Injection {
  int partition = kInspect;  // never kSwitchedOff
  std::vector<Item> items;   // one of a kind; not empty

  bool has_mandatory() const;
};

}  // namespace basecache::injection
