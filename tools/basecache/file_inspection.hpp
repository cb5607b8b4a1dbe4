#pragma once

#include <string>

#include "agent/base/byte_size.hpp"
#include "agent/base/op_context.hpp"
#include "agent/fetch/image_inspector.hpp"

namespace basecache::cli {

// Where an image stands, of which the user named the file. Error(invalid_request) for "-".
Path image_file(const std::string& text);

// Both looks at an image file, with progress. `declared`: what it is said to be; "": nothing. `largest_disk`: as of
// inspect::FormatInspector. Errors as of registry::SteadyFile.
fetch::InspectionReport inspect_file(const Path& file, const std::string& declared, Bytes largest_disk, OpContext& op);

}  // namespace basecache::cli
