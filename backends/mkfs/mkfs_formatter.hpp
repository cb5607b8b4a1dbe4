#pragma once

#include "agent/cache/blank_formatter.hpp"

namespace basecache::mkfs {

// Formats blank base files with mkfs.<file system> and mkswap, as an ordinary user, without mounting anything. Nothing
// is synced here: StagedFile::publish does that.
class MkfsFormatter : public cache::BlankFormatter {
 public:
  void format_file_system(const Path& file, const std::string& file_system, const std::string& label,
                          OpContext& op) override;
  void format_swap(const Path& file, OpContext& op) override;
};

}  // namespace basecache::mkfs
