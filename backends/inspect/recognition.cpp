#include "backends/inspect/recognition.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "backends/inspect/qcow2.hpp"
#include "backends/inspect/vdi.hpp"
#include "backends/inspect/vhdx.hpp"
#include "backends/inspect/vmdk.hpp"
#include "backends/inspect/vpc.hpp"

namespace basecache::inspect {
namespace {

// Raw isn't among them: it is what none of them is.
const std::array<const ImageFormat*, 5>& image_formats() {
  static const Qcow2 qcow2;
  static const Vmdk vmdk;
  static const Vpc vpc;
  static const Vhdx vhdx;
  static const Vdi vdi;
  static const std::array<const ImageFormat*, 5> formats{&qcow2, &vmdk, &vpc, &vhdx, &vdi};
  return formats;
}

}  // namespace

Recognition Recognition::of(const ImageSample& sample) {
  Recognition seen{.unsupported = unsupported_formats(sample), .contents = raw_contents(sample)};
  for (const ImageFormat* format : image_formats()) {
    if (format->matches(sample)) seen.images.push_back(format);
  }
  return seen;
}

std::string_view Recognition::name() const {
  if (const ImageFormat* format = image()) return model::qemu_name(format->format());
  if (!unsupported.empty()) return unsupported.front()->name;
  return std::ranges::any_of(contents, is_optical) ? "iso" : "raw";
}

std::vector<std::string_view> Recognition::ambiguity() const {
  std::vector<std::string_view> found;
  for (const ImageFormat* format : images) found.push_back(model::qemu_name(format->format()));
  for (const UnsupportedFormat* format : unsupported) found.push_back(format->found);
  // A fixed VHD is a raw disk with a footer, and may well begin with a partition table. No disc has such a footer.
  const bool is_vhd = found == std::vector<std::string_view>{"vpc"};
  for (const RawContent content : contents) {
    if (!found.empty() && (!is_vhd || is_optical(content))) found.push_back(text_of(content));
  }
  if (found.size() < 2) found.clear();
  return found;
}

const ImageFormat& image_format(model::DiskFormat format) {
  return **std::ranges::find(image_formats(), format, &ImageFormat::format);
}

}  // namespace basecache::inspect
