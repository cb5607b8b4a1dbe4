#pragma once

namespace basecache {

// What a program of ours does before anything else.
//
// Standard streams that whoever started it has closed become /dev/null: else the first files that are opened would be
// the standard streams, and what is logged would be written into an image.
// SIGPIPE is ignored: a peer that goes away is an error of the write. SIGCHLD is not, as it may have been by whoever
// started us: the kernel would keep no exit codes.
// The limit of open files is raised as far as the system allows (at most to 65536): a shell's 1024 are fewer than the
// agent's own limits of connections and requests need.
void prepare_process() noexcept;

}  // namespace basecache
