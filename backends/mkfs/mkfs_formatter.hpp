#pragma once

#include "agent/cache/blank_formatter.hpp"

namespace basecache::mkfs {

// Formats blank base files with mkfs.<file system>, mkswap or the operator's command, without mounting anything.
// Nothing is synced here: StagedFile::publish does that.
class MkfsFormatter : public cache::BlankFormatter {
 public:
  void format_ephemeral(const Path& file, const model::EphemeralBase& blank, OpContext& op) override;
  void format_swap(const Path& file, OpContext& op) override;
};

}  // namespace basecache::mkfs
