#include "backends/inspect/format_inspector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/base/text.hpp"
#include "backends/inspect/image_file.hpp"
#include "backends/inspect/recognition.hpp"

namespace basecache::inspect {
namespace {

bool is_boot_file(std::string_view declared) { return declared == "aki" || declared == "ari"; }

// Kernels and ramdisks come compressed. Whether this one is.
bool take_compressed(Recognition& seen) {
  return std::erase_if(seen.unsupported, [](const auto* format) { return format->may_be_boot_file; }) > 0;
}

void refuse_empty(const ImageSample& sample) {
  if (sample.length() == 0) refuse(Check::truncated, "it is empty (zero bytes)", "upload the image again");
}

// A file that is several things at once shows one disk to us and another one to somebody else.
void refuse_several(const Recognition& seen) {
  const std::vector<std::string_view> found = seen.ambiguity();
  if (found.empty()) return;
  refuse(Check::several_formats, fmt::format("it is {} at once", fmt::join(found, " and ")), kFlatten);
}

void refuse_unsupported(const Recognition& seen) {
  for (const UnsupportedFormat* format : seen.unsupported) {
    refuse(Check::unsupported_format, fmt::format("it is {}", format->found), std::string(format->hint));
  }
}

// Nobody unpacks a kernel from a disk image: whoever reads it would read the image's tables.
void refuse_as_boot_file(const Recognition& seen) {
  if (seen.image() == nullptr) return;
  refuse(Check::unsupported_format,
         fmt::format("it is a {} image, and a kernel or ramdisk is taken as it comes", seen.name()),
         "name an image that is the kernel or ramdisk itself, not a disk with it inside");
}

void check_size(Bytes size, Bytes largest) {
  if (size.count == 0) refuse(Check::virtual_size, "its disk has no bytes", kFetchAgain);
  if (size > largest) {
    refuse(Check::virtual_size, fmt::format("its disk has {}, more than {}", to_text(size), to_text(largest)),
           "shrink the disk, or make the image again");
  }
}

// As Nova: an ISO is declared as one and nothing else is, and what Amazon's formats hold is a raw disk or file.
bool agrees(std::string_view declared, model::DiskFormat declared_format, const fetch::InspectionReport& report) {
  if (declared == "ami" || is_boot_file(declared)) return report.verdict.format == model::DiskFormat::raw;
  if (declared == "iso" || report.format == "iso") return declared == report.format;
  return declared_format == report.verdict.format;
}

void check_declared(const std::string& declared, const fetch::InspectionReport& report) {
  const std::optional<model::DiskFormat> format = model::disk_format_from(declared);
  if (!format) {
    refuse(Check::declared_format, fmt::format("its declared format {} isn't one that is taken", quote(declared)),
           fmt::format("it looks like {}; known are raw, qcow2, vmdk, vpc, vhd, vhdx, vdi, iso, ami, aki and ari",
                       report.format));
  }
  if (agrees(declared, *format, report)) return;
  refuse(Check::declared_format, fmt::format("it is declared as {} and is {}", quote(declared), report.format),
         fmt::format(
             "correct the declared format to {}, if the image is the one you mean; qemu-img was not asked, which is "
             "shown only what is what it is said to be",
             report.format));
}

class FormatInspection final : public fetch::Inspection {
 public:
  explicit FormatInspection(Bytes largest_disk) : largest_disk_(largest_disk) {}

  void feed(std::span<const std::byte> bytes) override;
  fetch::InspectionReport finish(const std::optional<std::string>& declared_format, model::ImageUse use) override;

 private:
  void on_head_complete();
  Bytes check_content(const Recognition& seen, Findings& findings) const;

  const Bytes largest_disk_;
  ImageSample sample_;
};

void FormatInspection::feed(std::span<const std::byte> bytes) {
  const std::uint64_t missing = ImageSample::kHeadSize - sample_.head().size();
  const std::span<const std::byte> for_head = bytes.first(std::min<std::uint64_t>(missing, bytes.size()));
  if (!for_head.empty()) {
    sample_.feed(for_head);
    if (sample_.head_complete()) on_head_complete();
  }
  sample_.feed(bytes.subspan(for_head.size()));
}

// What the head asks to be kept of the bytes behind it. If the head is broken, finish() is where that is said.
void FormatInspection::on_head_complete() {
  const Recognition seen = Recognition::of(sample_);
  if (seen.image() == nullptr) return;
  Findings said_later;
  said_later.check([&] {
    if (const std::optional<ByteRange> window = seen.image()->window(sample_)) sample_.keep(*window);
  });
}

// The virtual size, zero when it can't be told; then something was found.
Bytes FormatInspection::check_content(const Recognition& seen, Findings& findings) const {
  if (seen.image() != nullptr) return seen.image()->check(sample_, findings).value_or(Bytes{0});
  const bool is_partitioned_disk =
      seen.contents == std::vector{RawContent::mbr} || seen.contents == std::vector{RawContent::gpt, RawContent::mbr};
  if (seen.unsupported.empty() && is_partitioned_disk) check_mbr(sample_, findings);
  return {sample_.length()};
}

fetch::InspectionReport FormatInspection::finish(const std::optional<std::string>& declared_format,
                                                 model::ImageUse use) {
  Recognition seen = Recognition::of(sample_);
  const bool boots = use == model::ImageUse::boot_file;
  const bool is_declared_so = declared_format && is_boot_file(*declared_format);
  const bool is_compressed = (boots || is_declared_so) && take_compressed(seen);
  fetch::InspectionReport report{.format = std::string(seen.name())};
  Findings findings;
  Findings of_a_disk;  // two bytes that look like a partition table's end are none in a kernel or ramdisk
  findings.check([&] { refuse_empty(sample_); });
  if (boots) findings.check([&] { refuse_as_boot_file(seen); });
  findings.check([&] { refuse_several(seen); });
  findings.check([&] { refuse_unsupported(seen); });
  if (const ImageFormat* image = seen.image()) report.verdict.format = image->format();
  report.verdict.virtual_size = check_content(seen, boots ? of_a_disk : findings);
  report.verdict.is_boot_file_only = boots && ((is_compressed && !is_declared_so) || !of_a_disk.none());
  if (findings.none()) findings.check([&] { check_size(report.verdict.virtual_size, largest_disk_); });
  if (declared_format && sample_.length() > 0) findings.check([&] { check_declared(*declared_format, report); });
  report.findings = std::move(findings).take();
  return report;
}

}  // namespace

std::unique_ptr<fetch::Inspection> FormatInspector::begin() const {
  return std::make_unique<FormatInspection>(largest_disk_);
}

std::vector<fetch::Finding> FormatInspector::check_tables(const Path& image, model::DiskFormat format,
                                                          const OpContext& op) const {
  if (format == model::DiskFormat::raw) return {};
  const ImageFile file(image, op);
  Findings findings;
  image_format(format).check_tables(file, findings);
  return std::move(findings).take();
}

}  // namespace basecache::inspect
