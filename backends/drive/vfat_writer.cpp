#include "backends/drive/vfat_writer.hpp"

#include <fcntl.h>

#include "agent/base/posix_file.hpp"
#include "backends/drive/drive_tree.hpp"
#include "backends/drive/fat_image.hpp"

namespace basecache::drive {

void VfatWriter::write_drive(const Path& file, const metadata::DriveContents& contents, OpContext& op) {
  op.check();
  const FatImage image(tree_of(contents), "config-2");
  const UniqueFd fd = open_file(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  image.write_to(fd.get(), file);
}

}  // namespace basecache::drive
