#include "backends/lvm/dm_crypt.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/base/unique_fd.hpp"
#include "backends/lvm/mapped_device.hpp"
#include "backends/lvm/uninterrupted_run.hpp"
#include "backends/lvm/volume_name.hpp"

namespace basecache::lvm {
namespace {

// cryptsetup(8), RETURN CODES.
constexpr int kWrongDevice = 4;
constexpr int kExistsOrBusy = 5;

constexpr const char* kUserHint = "shut the guest down, or end what has it open ('lsof' tells who)";
constexpr const char* kKeyHint = "a key file belongs to root, has mode 0400 and holds the key's raw bytes";

std::string mapping_of(const std::string& volume) {
  if (parse_volume_name(volume)) return volume + "-dmcrypt";
  throw Error(ErrorCode::invalid_request, quote(volume) + " is not the name of an instance's volume");
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
  return text;
}

Error refused_key(const Path& file, std::string_view why) {
  Error error(ErrorCode::storage_unusable, fmt::format("key file {} can't be used: {}", quote(file.native()), why));
  error.set_hint(kKeyHint);
  return error;
}

// Opened first, so that what is looked at is what is read.
UniqueFd open_key(const Path& file) {
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  const int error = errno;
  if (fd) return fd;
  if (error != ENOENT) throw Error::from_errno(error, "open key file " + quote(file.native()));
  throw Error(ErrorCode::not_found, "there is no key file " + quote(file.native()))
      .set_hint("[basecache] ephemeral_key_directory holds a file for each key, named by its uuid");
}

void require_private(int fd, const Path& file) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "look at key file " + quote(file.native()));
  }
  if (!S_ISREG(found.st_mode)) throw refused_key(file, "it is no regular file");
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) throw refused_key(file, "it isn't root's");
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0) throw refused_key(file, "others than its owner may use it");
}

std::string read_key(const Path& file, std::size_t size) {
  const UniqueFd fd = open_key(file);
  require_private(fd.get(), file);
  std::string key(size + 1, '\0');  // one more than there should be
  key.resize(read_at(fd.get(), std::as_writable_bytes(std::span(key)), 0, file));
  if (key.size() != size) throw refused_key(file, fmt::format("it hasn't the {} bytes of a key", size));
  return key;
}

Error refused_run(ErrorCode code, const CompletedProcess& done, const std::string& doing, const char* hint) {
  Error error(code, fmt::format("cannot {}: {}", doing, quote(done.errors)));
  error.set_hint(hint).add_field("exit", std::to_string(done.status));
  return error;
}

}  // namespace

DmCrypt::DmCrypt(CryptSettings settings) : settings_(std::move(settings)) { check_encryption(settings_.encryption); }

Path DmCrypt::device_of(const std::string& volume) { return Path("/dev/mapper") / mapping_of(volume); }

Secret DmCrypt::passphrase(const std::string& key_id) const {
  if (!is_uuid(key_id)) {
    throw Error(ErrorCode::invalid_request, "ephemeral_key_uuid: " + quote(key_id) + " is not a uuid");
  }
  return Secret(hexadecimal(read_key(settings_.key_directory / key_id, settings_.encryption.key_bits / 8)));
}

Path DmCrypt::open(const std::string& volume, const Path& device, const std::string& key_id,
                   const OpContext& op) const {
  const std::string mapping = mapping_of(volume);
  const std::string doing = "open encrypted volume " + quote(device.native());
  const CompletedProcess done =
      run_uninterrupted({.argv = open_argv(settings_.encryption, device, mapping), .input = passphrase(key_id)}, op);
  if (done.status == kExistsOrBusy) {
    const bool is_open = done.errors.find("already exists") != std::string::npos;
    throw refused_run(is_open ? ErrorCode::already_exists : ErrorCode::in_use, done, doing, kUserHint);
  }
  require_success(done, doing);
  return device_of(volume);
}

bool DmCrypt::is_used(const std::string& volume) { return is_mapped_device_open(mapping_of(volume)); }

void DmCrypt::close(const std::string& volume, const OpContext& op) {
  const std::string mapping = mapping_of(volume);
  const CompletedProcess done = run_uninterrupted({.argv = close_argv(mapping)}, op);
  if (done.status == kWrongDevice) return;
  const std::string doing = "close encrypted volume " + quote(mapping);
  if (done.status == kExistsOrBusy) throw refused_run(ErrorCode::in_use, done, doing, kUserHint);
  require_success(done, doing);
}

}  // namespace basecache::lvm
