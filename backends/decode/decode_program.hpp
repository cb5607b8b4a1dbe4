#pragma once

#include <optional>

namespace basecache::decode {

// The child process that decodes: the daemon's own program (and the command line's), started as
//   PROGRAM decode-image THREADS
// with the image (read only), the raw disk (empty, to be written) and a pipe as descriptors 3, 4 and 5. Through the
// pipe come numbers of 8 bytes in the host's order: how much of the image has arrived, ArrivingFile::kWhole at last;
// its end before that breaks off. It opens nothing. Exit code 0: decoded, its stdout is the virtual size; 1: stdout is
// an Error as {"code","message","hint"}.
inline constexpr const char* kDecodeArgument = "decode-image";
inline constexpr int kImageFd = 3;
inline constexpr int kRawDiskFd = 4;
inline constexpr int kArrivalFd = 5;

// For the first line of main(): the exit code when the arguments ask for the decoder.
std::optional<int> run_if_decoder(int argc, const char* const* argv);

}  // namespace basecache::decode
