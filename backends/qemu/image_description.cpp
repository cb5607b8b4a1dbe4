#include "backends/qemu/image_description.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::qemu {
namespace {

using nlohmann::json;

// {"format-specific": {"type": "qcow2", "data": {"data-file": "...", ...}}}
json details_of(const json& description) {
  const json specific = description.value("format-specific", json::object());
  return specific.value("data", json::object());
}

bool names_external_file(const json& description) {
  const json details = details_of(description);
  const json extents = details.value("extents", json::array());
  return details.contains("data-file") || std::ranges::any_of(extents, [&](const json& extent) {
           return extent.value("filename", json()) != description.value("filename", json());
         });
}

bool is_taken(const std::string& create_type) {
  return create_type == "monolithicSparse" || create_type == "streamOptimized";
}

std::string text_of(const ImageDescription& seen) {
  std::string text = fmt::format("{} of {} bytes", quote(seen.format), seen.virtual_size.count);
  if (!seen.create_type.empty()) text += ", createType " + quote(seen.create_type);
  if (seen.has_backing_file) text += ", with a backing file";
  if (seen.has_external_file) text += ", with an external data file";
  return text;
}

}  // namespace

ImageDescription ImageDescription::parse(std::string_view text) {
  try {
    const json description = json::parse(text);
    return {.format = description.at("format").get<std::string>(),
            .virtual_size = {description.at("virtual-size").get<std::uint64_t>()},
            .has_backing_file = description.contains("backing-filename"),
            .has_external_file = names_external_file(description),
            .create_type = details_of(description).value("create-type", "")};
  } catch (const json::exception& error) {
    throw Error(ErrorCode::tool_failed,
                fmt::format("cannot understand what qemu-img info says: {}", quote(error.what())));
  }
}

void check_agreement(const ImageDescription& seen, const fetch::InspectionVerdict& verdict) {
  const std::string_view format = model::qemu_name(verdict.format);
  const bool same = seen.format == format && seen.virtual_size == verdict.virtual_size;
  const bool is_alone = !seen.has_backing_file && !seen.has_external_file;
  const bool is_taken_kind = verdict.format != model::DiskFormat::vmdk || is_taken(seen.create_type);
  if (same && is_alone && is_taken_kind) return;
  throw Error(ErrorCode::image_unacceptable, fmt::format("qemu-img sees {}, the inspector '{}' of {} bytes",
                                                         text_of(seen), format, verdict.virtual_size.count))
      .set_hint("convert it on a trusted host and upload it again");
}

}  // namespace basecache::qemu
