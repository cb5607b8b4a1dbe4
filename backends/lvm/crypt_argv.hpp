#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache::lvm {

// [ephemeral_storage_encryption] of nova.conf.
struct Encryption {
  std::string cipher = "aes-xts-plain64";
  unsigned key_bits = 512;  // key_size; 256 or 512, of which XTS uses one half for each of its two keys
};

// Error(invalid_request) for a key size that isn't one, or a cipher that can't be the name of one.
void check_encryption(const Encryption& encryption);

// The command lines of cryptsetup(8) that we use. Pure.

// Opens `device` as /dev/mapper/<mapping>: plain, without a header, as Nova's `cryptsetup create` does it (an old name
// of the same). The passphrase comes from its standard input. cryptsetup(8), "Passphrase processing for PLAIN mode":
// with --key-file=- it is hashed with cryptsetup's default hash, trailing newlines included, which holds for no other
// key file. No --hash here, so that this host's Nova and we get the same disk, whatever the default is (ripemd160
// before cryptsetup 2.7).
std::vector<std::string> open_argv(const Encryption& encryption, const Path& device, const std::string& mapping);

std::vector<std::string> close_argv(const std::string& mapping);

}  // namespace basecache::lvm
