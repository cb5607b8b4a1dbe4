#include "backends/disk/growth_mark.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/posix_file.hpp"

namespace basecache::disk {

GrowthMark::GrowthMark(const Path& disk) : file_(disk.parent_path() / ("." + disk.filename().native() + ".growing")) {}

bool GrowthMark::is_set() const { return boost::filesystem::exists(boost::filesystem::symlink_status(file_)); }

void GrowthMark::set() const { (void)open_file(file_, O_WRONLY | O_CREAT | O_NOFOLLOW, 0600); }

void GrowthMark::remove() const { remove_file(file_); }

}  // namespace basecache::disk
