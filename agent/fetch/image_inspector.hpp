#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/byte_size.hpp"
#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/image.hpp"

namespace basecache::fetch {

// What the bytes are, by the bytes alone.
struct InspectionVerdict {
  model::DiskFormat format = model::DiskFormat::raw;
  Bytes virtual_size;
  bool is_boot_file_only = false;  // taken as a kernel or ramdisk, and refused as a disk
};

// One reason not to take an image.
struct Finding {
  std::string check;   // what was looked at: a stable word ("backing_file")
  std::string detail;  // what was found: "it has a backing file 'x'"
  std::string hint;    // what the image's owner can do

  bool operator==(const Finding&) const = default;
};

// The field of require_safe()'s Error that lists the checks which found something.
inline constexpr const char* kChecksField = "checks";

// Whether an Error is the inspector's refusal, and not for [basecache] max_virtual_size alone, which may be raised.
bool is_lasting_refusal(const Error& error);
// Whether it would be the same whatever a registry says of the image, too.
bool blames_bytes(const Error& error);

// All that a look at an image has told.
struct InspectionReport {
  std::string format;                  // "qcow2", "raw", "iso", or what else it is: "qed", "gzip"
  InspectionVerdict verdict = {};      // holds when it is safe
  std::vector<Finding> findings = {};  // the worst first

  bool safe() const { return findings.empty(); }
  // Error(image_unacceptable) that names every finding, unless it is safe.
  const InspectionVerdict& require_safe() const;
};

// One image being looked at while it passes by, in blocks of any size, in bounded memory.
class Inspection {
 public:
  virtual ~Inspection() = default;

  virtual void feed(std::span<const std::byte> bytes) = 0;
  // After the last byte, once: empty, truncated, a format we don't take, a dangerous feature (backing file, data file
  // ...), or not what `declared_format` (the registry's word) says. A kernel or ramdisk may be compressed, which no
  // disk is, and is no format of disk images.
  virtual InspectionReport finish(const std::optional<std::string>& declared_format, model::ImageUse use) = 0;
};

// Finds the true format of an image from its bytes and the dangers in it. Runs no program.
class ImageInspector {
 public:
  virtual ~ImageInspector() = default;
  // The version of its rules, from 1; raised whenever something is refused that was accepted before. What passed an
  // older version is inspected again before its next use.
  virtual unsigned rules() const = 0;
  virtual std::unique_ptr<Inspection> begin() const = 0;
  // The second look at an image that the first one found safe: follows its allocation tables, wherever in the file they
  // stand. Error(storage_unusable) when it can't be read.
  virtual std::vector<Finding> check_tables(const Path& image, model::DiskFormat format, const OpContext& op) const = 0;
};

// The report with what the second look found in `image`, where the first found nothing.
InspectionReport with_tables(InspectionReport report, const ImageInspector& inspector, const Path& image,
                             const OpContext& op);

}  // namespace basecache::fetch
