#pragma once

#include <boost/filesystem/path.hpp>

namespace basecache {

// Every path in the project is a Boost.Filesystem path.
using Path = boost::filesystem::path;

}  // namespace basecache
