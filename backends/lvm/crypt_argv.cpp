#include "backends/lvm/crypt_argv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::lvm {
namespace {

bool is_of_a_cipher(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == ':' ||
         letter == '_';
}

}  // namespace

void check_encryption(const Encryption& encryption) {
  constexpr std::string_view section = "[ephemeral_storage_encryption]";
  if (encryption.key_bits != 256 && encryption.key_bits != 512) {
    throw Error(ErrorCode::invalid_request,
                fmt::format("{} key_size: {} is not 256 or 512", section, encryption.key_bits));
  }
  if (encryption.cipher.empty() || !std::ranges::all_of(encryption.cipher, is_of_a_cipher)) {
    throw Error(ErrorCode::invalid_request,
                fmt::format("{} cipher: {} is no cipher", section, quote(encryption.cipher)))
        .set_hint("for example aes-xts-plain64");
  }
}

std::vector<std::string> open_argv(const Encryption& encryption, const Path& device, const std::string& mapping) {
  return {"cryptsetup",
          "open",
          "--type",
          "plain",
          "--batch-mode",
          "--cipher=" + encryption.cipher,
          fmt::format("--key-size={}", encryption.key_bits),
          "--key-file=-",
          device.native(),
          mapping};
}

std::vector<std::string> close_argv(const std::string& mapping) {
  return {"cryptsetup", "close", "--batch-mode", mapping};
}

}  // namespace basecache::lvm
