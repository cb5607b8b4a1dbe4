#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/injection/injection.hpp"

namespace basecache::guest {

// The changes of a guest as commands of guestfish(1), which ends at the first that fails. It has no conditions: how far
// it came is told by lines that begin with a mark, a word that no guest could have guessed. Pure.
struct GuestCommands {
  struct OfItem {
    injection::ItemKind kind = injection::ItemKind::files;
    std::string prepare;  // all new bytes are in the guest, with room for them once more, and directories are made
    std::string change;   // what was there changes; a failure here leaves half of it
  };

  std::string mark;
  std::vector<OfItem> items;
};

// What comes first in each run: the file system is mounted, where guestfish's arguments don't say it (kInspect).
std::string opening_script(std::string_view mark, int partition, bool only_reads);

// Of the items from `first` on; what an earlier run may have left in between is removed.
std::string script_of(const GuestCommands& commands, std::size_t first);

struct GuestProgress {
  bool is_up = false;        // the appliance ran
  std::size_t done = 0;      // items, of those in the script
  bool is_changing = false;  // the next one was begun to be changed
};
GuestProgress progress_of(std::string_view output, std::string_view mark);

// In the guest, for what is in between. Only there while a script runs.
std::string between_directory(std::string_view mark);

}  // namespace basecache::guest
