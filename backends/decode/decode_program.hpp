#pragma once

#include <array>
#include <optional>

#include "agent/base/error.hpp"

namespace basecache::decode {

// The child process that decodes: the daemon's own program (and the command line's), started as
//   PROGRAM decode-image THREADS
// with the image (read only), the raw disk (empty, to be written) and a pipe as descriptors 3, 4 and 5. Through the
// pipe come numbers of 8 bytes in the host's order: how much of the image has arrived, ArrivingFile::kWhole at last;
// its end before that breaks off. It opens nothing. Its stdout tells how far in the image's file it is, a number a
// line. Exit code 0: the disk is whole; else stderr says why not, and kFirstFailure + i that it is kFailures[i].
inline constexpr const char* kDecodeArgument = "decode-image";
inline constexpr int kImageFd = 3;
inline constexpr int kRawDiskFd = 4;
inline constexpr int kArrivalFd = 5;

inline constexpr int kFirstFailure = 2;
inline constexpr std::array kFailures{ErrorCode::image_unacceptable, ErrorCode::no_space, ErrorCode::storage_unusable};

// For the first line of main(): the exit code when the arguments ask for the decoder.
std::optional<int> run_if_decoder(int argc, const char* const* argv);

}  // namespace basecache::decode
