#include "agent/cache/in_place_inspection.hpp"

#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/cache/content_digest.hpp"

namespace basecache::cache {
namespace {

constexpr std::size_t kBlock = 1 << 20;

}  // namespace

fetch::InspectionReport inspect_in_place(const Path& path, model::ImageUse use, const fetch::ImageInspector& inspector,
                                         OpContext& op) {
  const auto step = op.steps().measure("inspect");
  if (!boost::filesystem::is_regular_file(boost::filesystem::symlink_status(path))) {
    throw Error(ErrorCode::storage_unusable, "it is not a regular file")
        .set_hint("nothing was touched: move it away, and the next request fetches the image");
  }
  const UniqueFd file = open_file(path, O_RDONLY | O_NOFOLLOW);
  Progress progress{
      .step = "inspect", .subject = path.filename().native(), .done = 0, .total = sizes_of(path).apparent.count};
  const std::unique_ptr<fetch::Inspection> inspection = inspector.begin();
  std::vector<std::byte> block(kBlock);
  while (const std::size_t count = read_at(file.get(), block, static_cast<off_t>(progress.done), path)) {
    op.check();
    inspection->feed(std::span(block).first(count));
    progress.done += count;
    op.report(progress);
  }
  return fetch::with_tables(inspection->finish(std::nullopt, use), inspector, path, op);
}

std::string digest_in_place(const Path& path, OpContext& op) {
  const auto step = op.steps().measure("digest");
  const UniqueFd file = open_file(path, O_RDONLY | O_NOFOLLOW);
  return content_digest(file.get(), path, [&](Bytes) { op.check(); });
}

}  // namespace basecache::cache
