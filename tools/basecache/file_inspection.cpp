#include "tools/basecache/file_inspection.hpp"

#include <boost/filesystem/operations.hpp>
#include <span>

#include "agent/base/error.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "backends/registry/steady_file.hpp"

namespace basecache::cli {
namespace {

constexpr const char* kSaveFirst = "save the image to a regular file first: it is read more than once";

registry::SteadyFile open_image(const Path& file) {
  try {
    return registry::SteadyFile::open(file);
  } catch (Error& error) {
    if (error.code() == ErrorCode::forbidden) error.set_hint(kSaveFirst);
    throw;
  }
}

}  // namespace

Path image_file(const std::string& text) {
  if (text != "-") return boost::filesystem::absolute(text);
  throw Error(ErrorCode::invalid_request, "'-' names no file: an image isn't taken from standard input")
      .set_hint(kSaveFirst);
}

fetch::InspectionReport inspect_file(const Path& file, const std::string& declared, Bytes largest_disk, OpContext& op) {
  const registry::SteadyFile source = open_image(file);
  const inspect::FormatInspector inspector(largest_disk);
  const auto inspection = inspector.begin();
  Progress progress{.step = "inspect", .subject = file.filename().native(), .done = 0, .total = source.size().count};
  const auto feed = [&](std::span<const std::byte> block) {
    inspection->feed(block);
    progress.done += block.size();
    op.report(progress);
  };
  source.read_all(feed, op);
  const auto claimed = declared.empty() ? std::nullopt : std::optional(declared);
  return with_tables(inspection->finish(claimed, model::ImageUse::disk), inspector, file, op);
}

}  // namespace basecache::cli
