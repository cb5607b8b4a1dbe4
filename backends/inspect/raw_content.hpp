#pragma once

#include <string_view>
#include <vector>

#include "backends/inspect/findings.hpp"
#include "backends/inspect/image_sample.hpp"

namespace basecache::inspect {

// What a raw disk visibly holds. Nothing that we know is no fault.
enum class RawContent { iso9660, udf, gpt, mbr };

std::string_view text_of(RawContent content);  // "an ISO 9660 file system"
bool is_optical(RawContent content);           // a disc: what Glance calls "iso"

std::vector<RawContent> raw_contents(const ImageSample& sample);

// Each in a file of its own.
bool has_iso9660(const ImageSample& sample);
bool has_udf(const ImageSample& sample);
bool has_gpt(const ImageSample& sample);
// A boot record with a partition table: not a file system's boot sector nor a kernel's, which end in the same two
// bytes.
bool has_mbr(const ImageSample& sample);

// Refuses a boot record whose partitions can't be meant, as OpenStack's inspector does.
void check_mbr(const ImageSample& sample, Findings& findings);

}  // namespace basecache::inspect
