#pragma once

#include <string>

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/base/secret.hpp"
#include "backends/lvm/crypt_argv.hpp"

namespace basecache::lvm {

struct CryptSettings {
  // [basecache] ephemeral_key_directory: in place of a key manager. A file a key, named by the key's uuid (the
  // instance's ephemeral_key_uuid), holding its raw bytes: key_bits / 8 of them, as the key manager gives them.
  Path key_directory;
  Encryption encryption = {};
};

// Encrypted volumes, as Nova's ephemeral_storage_encryption of its Lvm image backend: a plain dm-crypt mapping
// "/dev/mapper/<volume>-dmcrypt", whose passphrase is the key in lower-case hexadecimal digits. Nothing on the volume
// tells that it is encrypted, nor with which key: with another one it reads as noise.
//
// Keys go to cryptsetup through its standard input, never into an argument, a log or an error.
class DmCrypt {
 public:
  // Error(invalid_request) as check_encryption.
  explicit DmCrypt(CryptSettings settings);

  // Where an encrypted volume's plain text is, while it is open. Error(invalid_request) for no instance's volume.
  static Path device_of(const std::string& volume);

  // Opens the volume that is `device` now; it may be renamed afterwards. The mapping is called after `volume`, the name
  // it is going to have. Returns device_of(volume).
  // Error(not_found): no such key; Error(storage_unusable): a key file that others than its owner may read, or of
  // another size; Error(already_exists): it is open; Error(in_use): somebody has the volume mounted.
  Path open(const std::string& volume, const Path& device, const std::string& key_id, const OpContext& op) const;

  // Whether somebody uses the plain text of a volume that is open.
  static bool is_used(const std::string& volume);

  // One that isn't open is success. Error(in_use) while a guest uses it.
  static void close(const std::string& volume, const OpContext& op);

 private:
  Secret passphrase(const std::string& key_id) const;

  CryptSettings settings_;
};

}  // namespace basecache::lvm
