#include "backends/qemu/qemu_converter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/subprocess.hpp"
#include "agent/base/text.hpp"
#include "backends/qemu/convert_progress.hpp"
#include "backends/qemu/image_description.hpp"
#include "backends/qemu/qemu_img_argv.hpp"

namespace basecache::qemu {
namespace {

// What qemu-img says when the image, not the node, may be at fault.
constexpr std::string_view kOpenFailure = "qemu-img: Could not open ";
constexpr std::string_view kReadFailure = "error while reading";
// And what it adds when it is the node after all: the C library's words, and those of QEMU's lock (block/file-posix.c).
// An I/O error is QEMU's word for a broken entry of a table, too.
constexpr std::array<std::string_view, 8> kNodeFailures{
    "Permission denied", "Operation not permitted", "Cannot allocate memory", "Too many open files",
    "No such file",      "Stale file handle",       "No space left",          "Failed to get"};

bool blames_image(std::string_view words) {
  return std::ranges::none_of(kNodeFailures,
                              [&](std::string_view failure) { return words.find(failure) != std::string_view::npos; });
}

// A verdict on an image is for good, so it must be one: whoever couldn't look has none.
ImageDescription read_description(const CompletedProcess& done, model::DiskFormat format) {
  if (done.status == 0) return ImageDescription::parse(done.output);
  if (!done.errors.starts_with(kOpenFailure) || !blames_image(done.errors)) require_success(done, "look at the image");
  throw Error(ErrorCode::image_unacceptable, fmt::format("qemu-img can't open the image as {}: {}",
                                                         model::qemu_name(format), quote(done.errors, 2048)));
}

void check_size(const Path& raw_file, Bytes expected) {
  const Bytes size = sizes_of(raw_file).apparent;
  if (size == expected) return;
  throw Error(ErrorCode::tool_failed, fmt::format("qemu-img convert wrote {} bytes for an image of {} bytes to {}",
                                                  size.count, expected.count, quote(raw_file.native())));
}

}  // namespace

void QemuConverter::confirm(const Path& image, const fetch::InspectionVerdict& verdict, OpContext& op) {
  check_agreement(read_description(qemu_img_.describe(image, verdict.format, op), verdict.format), verdict);
}

void QemuConverter::to_raw(const Path& image, const fetch::InspectionVerdict& verdict, const Path& raw_file,
                           OpContext& op) {
  const std::string subject = raw_file.stem().native();
  const Bytes total = verdict.virtual_size;
  const auto report = [&](Bytes done) { op.report({"convert", subject, done.count, total.count}); };
  ConvertProgress progress(total);
  Bytes converted{0};
  const auto on_stdout = [&](std::string_view chunk) {
    if (const auto done = progress.feed(chunk)) report(converted = *done);
  };
  report({});
  try {
    qemu_img_.convert_to_raw(image, verdict.format, raw_file, total, on_stdout, op);
  } catch (const Error& error) {
    const bool reads = error.message().find(kReadFailure) != std::string::npos;
    if (error.code() != ErrorCode::tool_failed || !reads || !blames_image(error.message())) throw;
    throw Error(ErrorCode::image_unacceptable, error.message()).set_hint("the image is damaged: upload it again");
  }
  // The file was there before, as large as it is now.
  if (converted < total) throw Error(ErrorCode::tool_failed, "qemu-img convert succeeded before it was done");
  check_size(raw_file, total);
  report(total);
}

}  // namespace basecache::qemu
