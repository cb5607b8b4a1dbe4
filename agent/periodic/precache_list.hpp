#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/model/image.hpp"

namespace basecache::periodic {

// The images whose base files are made ahead.
struct PrecacheList {
  std::vector<model::ImageRef> images = {};  // each once, in the order in which they are named
  std::vector<std::string> complaints = {};  // what couldn't be read: "'/etc/basecache/images':3: why"
};

// The refs of a file's text, one a line; blanks around them, empty lines and those that begin with '#' don't count.
// `name`: of the file, for complaints. A line that names no image is complained of and passed over.
void take_lines(PrecacheList& list, std::string_view text, const std::string& name);

// `entries`, as of [basecache] precache: refs, and absolute paths of files of refs, which are read here. A file that
// isn't there, that everybody may write to, or that is larger than 1 MiB is complained of.
PrecacheList read_precache_list(const std::vector<std::string>& entries);

}  // namespace basecache::periodic
