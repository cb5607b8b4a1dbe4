#include "backends/inspect/raw_content.hpp"

namespace basecache::inspect {

std::string_view text_of(RawContent content) {
  switch (content) {
    case RawContent::iso9660:
      return "an ISO 9660 file system";
    case RawContent::udf:
      return "a UDF file system";
    case RawContent::gpt:
      return "a GUID partition table";
    case RawContent::mbr:
      return "a partition table";
  }
  return "";
}

bool is_optical(RawContent content) { return content == RawContent::iso9660 || content == RawContent::udf; }

std::vector<RawContent> raw_contents(const ImageSample& sample) {
  std::vector<RawContent> contents;
  if (has_iso9660(sample)) contents.push_back(RawContent::iso9660);
  if (has_udf(sample)) contents.push_back(RawContent::udf);
  if (has_gpt(sample)) contents.push_back(RawContent::gpt);
  if (has_mbr(sample)) contents.push_back(RawContent::mbr);
  return contents;
}

}  // namespace basecache::inspect
