#pragma once

#include <string>
#include <string_view>

namespace basecache::inspect {

// What an image can be refused for; whoever adds a reason raises kRuleSet (rules.hpp). Each has a name, which callers
// of "basecache inspect --json" may rely on.
enum class Check {
  unsupported_format,  // known, and not one that is taken
  several_formats,     // more than one thing at once: readers would differ in which
  declared_format,     // not what the registry says
  truncated,           // it ends before what it says it has
  header,              // fields that contradict each other, or that no writer writes
  features,            // needs what we don't know, or wasn't closed properly
  backing_file,        // content of another file would become the guest's
  data_file,
  encryption,
  snapshots,
  virtual_size,
  descriptor,       // VMDK's text, which names files
  tables,           // an allocation table that points where nothing of the kind can be
  partition_table,  // of a raw disk
};
std::string_view name_of(Check check);

// Thrown by a check and caught by Findings; never leaves the room.
struct Refusal {
  Check check;
  std::string found;  // "it has a backing file 'x'"
  std::string hint;   // what the image's owner can do
};

// `found` says what the bytes are or hold (names in it through quote()).
[[noreturn]] void refuse(Check check, std::string found, std::string hint);

// What to do about an image that ends too early or contradicts itself.
inline constexpr const char* kFetchAgain =
    "upload or fetch the image again; \"qemu-img check\" tells whether the original is whole";
// What to do about an image that needs another file, a key or a feature we don't take.
inline constexpr const char* kFlatten =
    "make one self-contained image of it with \"qemu-img convert -O qcow2\" and upload that";

}  // namespace basecache::inspect
