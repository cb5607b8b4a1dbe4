#pragma once

#include "agent/prune/disk_chain_reader.hpp"

namespace basecache::qemu {

// Reads the backing file out of a disk's header, without a program and without a lock (the guest may be running).
//
// raw                  never looked into: a guest can write any header there
// qcow2                its header's word
// vpc, vhdx, vdi, iso  QEMU knows no backing files for them
// ""                   unknown: by its magic; nothing that we know is taken for raw
// vmdk                 none, when it is one sparse file whose descriptor names no parent (base files that stay VMDK)
// qed, others          Error(storage_unusable): they have backing files that we can't read
//
// A name that isn't a path of this node ("json:...", "nbd://...") is an Error too, "file:" is taken off.
class DiskChain : public prune::DiskChainReader {
 public:
  std::optional<prune::BackingFile> backing_file(const Path& disk, const std::string& recorded_format) const override;
};

}  // namespace basecache::qemu
