#include "backends/inspect/format_inspector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "backends/inspect/foreign_formats.hpp"
#include "backends/inspect/qcow2.hpp"
#include "backends/inspect/raw_content.hpp"
#include "backends/inspect/refusal.hpp"
#include "backends/inspect/vdi.hpp"
#include "backends/inspect/vhdx.hpp"
#include "backends/inspect/vmdk.hpp"
#include "backends/inspect/vpc.hpp"

namespace basecache::inspect {
namespace {

// The largest VHDX, and more than the other formats' own programs make. Above it a size is a mistake or an attack.
constexpr std::uint64_t kMaxVirtualSize = std::uint64_t{64} << 40;

class FormatInspection final : public cache::Inspection {
 public:
  void feed(std::span<const std::byte> bytes) override;
  cache::InspectionVerdict finish(const std::optional<std::string>& declared_format) override;

 private:
  const ImageFormat* matching() const;
  void on_head_complete();
  void start_tables(const ImageFormat& format);
  void refuse_ambiguous() const;
  void refuse_foreign(const std::optional<std::string>& declared) const;
  cache::InspectionVerdict verdict();
  Bytes checked_size(const ImageFormat& format);
  void check_tables(const ImageFormat& format);

  Qcow2 qcow2_;
  Vmdk vmdk_;
  Vpc vpc_;
  Vhdx vhdx_;
  Vdi vdi_;
  std::array<const ImageFormat*, 5> formats_{&qcow2_, &vmdk_, &vpc_, &vhdx_, &vdi_};
  ImageSample sample_;
  std::unique_ptr<TableScan> tables_;
};

void FormatInspection::feed(std::span<const std::byte> bytes) {
  const std::uint64_t missing = ImageSample::kHeadSize - sample_.head().size();
  const std::span<const std::byte> for_head = bytes.first(std::min<std::uint64_t>(missing, bytes.size()));
  if (!for_head.empty()) {
    sample_.feed(for_head);
    if (sample_.head_complete()) on_head_complete();
  }
  const std::span<const std::byte> rest = bytes.subspan(for_head.size());
  sample_.feed(rest);
  if (tables_) tables_->feed(rest);
}

// What the head asks to be kept or read of the bytes behind it.
void FormatInspection::on_head_complete() {
  const ImageFormat* format = matching();
  if (format == nullptr) return;
  try {
    if (const std::optional<ByteRange> window = format->window(sample_)) sample_.keep(*window);
    start_tables(*format);
  } catch (const Error&) {
    // The head is unacceptable. finish() is where that is said, with all that is known by then.
  }
}

void FormatInspection::start_tables(const ImageFormat& format) {
  tables_ = format.tables(sample_);
  if (tables_) tables_->feed(sample_.head());
}

const ImageFormat* FormatInspection::matching() const {
  const auto* found = std::ranges::find_if(formats_, [&](const ImageFormat* one) { return one->matches(sample_); });
  return found == formats_.end() ? nullptr : *found;
}

// A file that is several things at once shows one disk to us and another one to somebody else.
void FormatInspection::refuse_ambiguous() const {
  std::vector<std::string_view> found;
  for (const ImageFormat* format : formats_) {
    if (format->matches(sample_)) found.push_back(model::qemu_name(format->format()));
  }
  // A fixed VHD is a raw disk with a footer, and may well begin with a partition table.
  const bool is_container = !found.empty() && found.front() != "vpc";
  if (const auto content = raw_content(sample_); content && is_container) found.push_back(*content);
  if (const ForeignFormat* foreign = foreign_format(sample_); foreign != nullptr && !found.empty()) {
    found.push_back(foreign->found);
  }
  if (found.size() > 1) refuse(fmt::format("it is {} at once", fmt::join(found, " and ")), kFlatten);
}

void FormatInspection::refuse_foreign(const std::optional<std::string>& declared) const {
  const ForeignFormat* foreign = foreign_format(sample_);
  if (foreign == nullptr) return;
  const bool is_boot_file = declared == "aki" || declared == "ari";
  if (foreign->may_be_boot_file && is_boot_file) return;
  refuse(fmt::format("it is {}", foreign->found), std::string(foreign->hint));
}

void FormatInspection::check_tables(const ImageFormat& format) {
  if (!tables_ && !sample_.head_complete()) start_tables(format);
  if (!tables_) return;
  if (const auto& fault = tables_->fault()) {
    refuse(fmt::format("its {} tables are broken: {}", model::qemu_name(format.format()), *fault), kFetchAgain);
  }
  if (tables_->required_length() > sample_.length()) {
    refuse(fmt::format("it is truncated: the {} image has parts up to byte {} and ends at byte {}",
                       model::qemu_name(format.format()), tables_->required_length(), sample_.length()),
           kFetchAgain);
  }
}

Bytes FormatInspection::checked_size(const ImageFormat& format) {
  const Bytes size = format.check(sample_);
  check_tables(format);
  return size;
}

cache::InspectionVerdict FormatInspection::verdict() {
  const ImageFormat* format = matching();
  if (format == nullptr) return {model::DiskFormat::raw, {sample_.length()}};
  return {format->format(), checked_size(*format)};
}

void check_size(const cache::InspectionVerdict& verdict) {
  if (verdict.virtual_size.count == 0) refuse("its disk has no bytes", kFetchAgain);
  if (verdict.virtual_size.count > kMaxVirtualSize) {
    refuse(fmt::format("its disk has {}, more than {}", to_text(verdict.virtual_size), to_text({kMaxVirtualSize})),
           "shrink the disk, or make the image again");
  }
}

void check_declared(const std::string& declared, model::DiskFormat found) {
  const std::optional<model::DiskFormat> format = model::disk_format_from(declared);
  if (!format) {
    refuse(fmt::format("its declared format {} isn't one that is taken", quote(declared)),
           fmt::format("it looks like {}; known are raw, qcow2, vmdk, vpc, vhd, vhdx, vdi, iso, ami, aki and ari",
                       model::qemu_name(found)));
  }
  if (*format != found) {
    refuse(fmt::format("it is declared as {} and is {}", quote(declared), model::qemu_name(found)),
           fmt::format("correct the declared format to {}, if the image is the one you mean", model::qemu_name(found)));
  }
}

cache::InspectionVerdict FormatInspection::finish(const std::optional<std::string>& declared_format) {
  if (sample_.length() == 0) refuse("it is empty (zero bytes)", "upload the image again");
  refuse_ambiguous();
  refuse_foreign(declared_format);
  const cache::InspectionVerdict found = verdict();
  check_size(found);
  if (declared_format) check_declared(*declared_format, found.format);
  return found;
}

}  // namespace

std::unique_ptr<cache::Inspection> FormatInspector::begin() const { return std::make_unique<FormatInspection>(); }

}  // namespace basecache::inspect
