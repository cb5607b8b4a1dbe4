// Whatever bytes: the inspector says the same of them whatever the blocks it is fed in, and nothing escapes it but its
// report. What it takes, its second look may read.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "agent/base/unique_fd.hpp"
#include "backends/inspect/format_inspector.hpp"

namespace {

using namespace basecache;

fetch::InspectionReport report_of(std::span<const std::byte> image, std::size_t block) {
  const auto inspection = inspect::FormatInspector().begin();
  while (!image.empty()) {
    const auto next = image.first(std::min(block, image.size()));
    inspection->feed(next);
    image = image.subspan(next.size());
  }
  return inspection->finish(std::nullopt, model::ImageUse::disk);
}

// A file of these bytes that needs no disk.
Path file_of(const UniqueFd& memory, std::span<const std::byte> image) {
  if (::write(memory.get(), image.data(), image.size()) != static_cast<ssize_t>(image.size())) std::abort();
  return "/proc/self/fd/" + std::to_string(memory.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto image = std::as_bytes(std::span(data, size));
  const fetch::InspectionReport whole = report_of(image, 1 << 20);
  for (const std::size_t block : {std::size_t{17}, std::size_t{512}}) {
    const fetch::InspectionReport again = report_of(image, block);
    if (again.format != whole.format || again.findings != whole.findings ||
        again.verdict.virtual_size != whole.verdict.virtual_size) {
      std::abort();
    }
  }
  if (!whole.safe()) return 0;
  const UniqueFd memory(::memfd_create("image", MFD_CLOEXEC));
  const OpContext op("fuzz", {}, OpContext::Clock::time_point::max());
  (void)inspect::FormatInspector().check_tables(file_of(memory, image), whole.verdict.format, op);
  return 0;
}
