#include "backends/drive/iso9660_writer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "backends/drive/iso_image_tree.hpp"
#include "backends/drive/libisofs.hpp"

namespace basecache::drive {
namespace {

// What guests look for (nova/virt/configdrive.py, cloud-init's ConfigDrive source).
const std::string kVolumeId = "config-2";
// libisofs makes whole blocks of 2048 bytes.
constexpr std::size_t kBlock = 32 * 2048;
constexpr int kKeepLocale = 1;  // bit0 of iso_init_with_flag: setlocale() isn't for a library to call

// Fills `out` with the next bytes of the image. libisofs drops what it has when its image ends within a read, so no
// more may be asked for than there is left.
void read_image(burn_source& source, std::span<std::byte> out) {
  auto* const buffer = reinterpret_cast<unsigned char*>(out.data());
  const int size = static_cast<int>(out.size());
  const int count = source.read == nullptr ? source.read_xt(&source, buffer, size) : source.read(&source, buffer, size);
  if (count != size) throw Error(ErrorCode::internal, "cannot make the config drive: libisofs stopped before its end");
}

}  // namespace

Iso9660Writer::Iso9660Writer() {
  check_iso(iso_init_with_flag(kKeepLocale), "start libisofs");
  // Without a locale libisofs would take names for ASCII.
  std::string names = "UTF-8";
  check_iso(iso_set_local_charset(names.data(), 0), "set the character set of libisofs");
  std::string never = "NEVER";
  std::string nobody;
  check_iso(iso_set_msgs_severities(never.data(), never.data(), nobody.data()), "silence libisofs");
}

void Iso9660Writer::write_drive(const Path& file, const model::DriveContents& contents, OpContext& op) {
  const std::lock_guard guard(mutex_);
  op.check();
  IsoImageTree tree(kVolumeId);
  for (const model::DriveFile& one : contents) tree.add(one);
  const auto image = tree.bytes();
  const UniqueFd fd = open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  std::array<std::byte, kBlock> block;
  auto left = static_cast<std::size_t>(image->get_size(image.get()));
  while (left > 0) {
    op.check();
    const auto part = std::span(block).first(std::min(left, block.size()));
    read_image(*image, part);
    write_all(fd.get(), part, file);
    left -= part.size();
  }
}

}  // namespace basecache::drive
