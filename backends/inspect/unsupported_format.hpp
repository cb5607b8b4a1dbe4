#pragma once

#include <string_view>
#include <vector>

#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// Something that isn't an image we take, and isn't raw bytes either. Each has a file of its own.
struct UnsupportedFormat {
  std::string_view name;   // "qed"
  std::string_view found;  // "a QED image"
  std::string_view hint;
  bool (*matches)(const ImageSample&);
  bool may_be_boot_file = false;  // Kernels and ramdisks come compressed; as such they are taken as they are.
};

// Those that the bytes are. They live as long as the program.
std::vector<const UnsupportedFormat*> unsupported_formats(const ImageSample& sample);

// Disk images that QEMU would open, by its block/*.c.
bool is_qcow1(const ImageSample& sample);
bool is_qed(const ImageSample& sample);
bool is_parallels(const ImageSample& sample);
bool is_bochs(const ImageSample& sample);
bool is_cloop(const ImageSample& sample);
bool is_dmg(const ImageSample& sample);
bool is_luks(const ImageSample& sample);

// What a server sends instead of an image.
bool is_web_page(const ImageSample& sample);

}  // namespace basecache::inspect
