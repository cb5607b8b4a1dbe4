#include "agent/injection/password.hpp"

#include <crypt.h>
#include <openssl/rand.h>

#include <array>
#include <memory>

#include "agent/base/error.hpp"

namespace basecache::injection {
namespace {

constexpr std::string_view kUser = "root";
constexpr std::string_view kSaltLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";
static_assert(kSaltLetters.size() == 64, "each byte is a letter with the same chance");

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

bool is_users(std::string_view line) { return line.substr(0, line.find(':')) == kUser; }

bool has_user(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = first_line(text);
    if (is_users(line)) return true;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return false;
}

std::string with_crypt(std::string_view line, std::string_view crypt) {
  const std::size_t name_end = line.find(':');
  const std::size_t crypt_end = name_end == std::string_view::npos ? name_end : line.find(':', name_end + 1);
  const std::string_view rest = crypt_end == std::string_view::npos ? std::string_view() : line.substr(crypt_end);
  return std::string(kUser) + ":" + std::string(crypt) + std::string(rest);
}

Error no_user(std::string_view file) {
  return Error(ErrorCode::image_unacceptable, "the guest's " + std::string(file) + " has no user root");
}

}  // namespace

std::string random_salt() {
  std::array<unsigned char, 16> bytes{};
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw Error(ErrorCode::internal, "cannot draw random bytes for a password's salt");
  }
  std::string salt;
  for (const unsigned char byte : bytes) salt += kSaltLetters[byte % kSaltLetters.size()];
  return salt;
}

std::string sha512_crypt(const std::string& password, const std::string& salt) {
  const auto room = std::make_unique<crypt_data>();
  const std::string setting = "$6$" + salt;
  // Not crypt_r, which AddressSanitizer's runtime stands in for without linking libcrypt.
  const char* const crypt = ::crypt_rn(password.c_str(), setting.c_str(), room.get(), sizeof(crypt_data));
  if (crypt == nullptr || !std::string_view(crypt).starts_with(setting)) {
    throw Error(ErrorCode::internal, "this system's crypt() doesn't take the admin password by SHA-512");
  }
  return crypt;
}

std::string with_password(std::string_view passwd, std::string_view shadow, std::string_view crypt) {
  if (!has_user(passwd)) throw no_user("/etc/passwd");
  if (!has_user(shadow)) throw no_user("/etc/shadow");
  std::string text;
  while (!shadow.empty()) {
    const std::string_view line = first_line(shadow);
    text += is_users(line) ? with_crypt(line, crypt) : std::string(line);
    shadow.remove_prefix(line.size());
    if (shadow.empty()) break;
    text += '\n';
    shadow.remove_prefix(1);
  }
  return text;
}

}  // namespace basecache::injection
