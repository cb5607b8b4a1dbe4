#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

namespace basecache::inspect::test {

using basecache::test::run_tool;
using basecache::test::ScratchDir;

// Shows `content` to the inspector in blocks of that size, and then lets it look at the tables.
inline fetch::InspectionReport inspect(std::string_view content, std::size_t block = 65'536,
                                       const std::optional<std::string>& declared = std::nullopt,
                                       model::ImageUse use = model::ImageUse::disk) {
  const FormatInspector inspector;
  const auto inspection = inspector.begin();
  const auto bytes = std::as_bytes(std::span(content.data(), content.size()));
  for (std::size_t at = 0; at < bytes.size(); at += block) {
    inspection->feed(bytes.subspan(at, std::min(block, bytes.size() - at)));
  }
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "image", content);
  return with_tables(inspection->finish(declared, use), inspector, scratch / "image",
                     basecache::test::test_operation());
}

// One line for what the inspector said: "qcow2 1048576" or the refusal's message. What isn't an acceptable refusal
// (no hint) says so and so fails a comparison.
inline std::string outcome(std::string_view content, std::size_t block = 65'536,
                           const std::optional<std::string>& declared = std::nullopt,
                           model::ImageUse use = model::ImageUse::disk) {
  const fetch::InspectionReport report = inspect(content, block, declared, use);
  for (const fetch::Finding& finding : report.findings) {
    if (finding.hint.empty() || finding.check.empty()) return "no hint: " + finding.detail;
  }
  try {
    return report.format + " " + std::to_string(report.require_safe().virtual_size.count);
  } catch (const Error& error) {
    return error.message();
  }
}

// A disk of 2 MiB with something in its first and its last 64 KiB, and text that can be compressed in between.
inline std::string disk_content() {
  std::string content(2 << 20, '\0');
  std::uint32_t state = 1;
  const auto noise = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      state = state * 1'664'525 + 1'013'904'223;
      content[from + i] = static_cast<char>(state >> 24);
    }
  };
  noise(0, 65'536);
  std::fill_n(content.begin() + 131'072, 200'000, 'a');
  noise(content.size() - 65'536, 65'536);
  content[510] = content[511] = '\0';
  return content;
}

// disk_content() as an image, by qemu-img: `format` and "-o" `options`, `flags` before them.
inline std::string made_by_qemu(const std::string& format, const std::string& options = "",
                                const std::vector<std::string>& flags = {}) {
  const ScratchDir scratch;
  basecache::test::write_file(scratch / "source", disk_content());
  std::vector<std::string> argv{"qemu-img", "convert", "-f", "raw", "-O", format};
  argv.insert(argv.end(), flags.begin(), flags.end());
  if (!options.empty()) argv.insert(argv.end(), {"-o", options});
  argv.insert(argv.end(), {(scratch / "source").string(), (scratch / "image").string()});
  run_tool(argv);
  return basecache::test::read_file(scratch / "image");
}

// The smallest blocks worth feeding it in: a VHDX has many MiB, which under a sanitizer take seconds byte by byte.
inline std::size_t small_block(std::string_view image) { return image.size() > (4 << 20) ? 509 : 1; }

inline std::string big_endian(std::uint64_t value, std::size_t width) {
  std::string bytes(width, '\0');
  for (std::size_t i = width; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
  return bytes;
}

inline std::string little_endian(std::uint64_t value, std::size_t width) {
  std::string bytes = big_endian(value, width);
  std::ranges::reverse(bytes);
  return bytes;
}

inline std::string patched(std::string image, std::size_t offset, std::string_view bytes) {
  return image.replace(offset, bytes.size(), bytes);
}

}  // namespace basecache::inspect::test
