#include "backends/qemu/image_description.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::qemu {
namespace {

using nlohmann::json;

bool names_external_file(const json& description) {
  // {"format-specific": {"type": "qcow2", "data": {"data-file": "...", ...}}}
  const json specific = description.value("format-specific", json::object());
  return specific.value("data", json::object()).contains("data-file");
}

[[noreturn]] void refuse(std::string why) {
  throw Error(ErrorCode::image_unacceptable, std::move(why))
      .set_hint("convert it on a trusted host and upload it again");
}

}  // namespace

ImageDescription ImageDescription::parse(std::string_view text) {
  try {
    const json description = json::parse(text);
    return {.format = description.at("format").get<std::string>(),
            .virtual_size = {description.at("virtual-size").get<std::uint64_t>()},
            .has_backing_file = description.contains("backing-filename"),
            .has_external_file = names_external_file(description)};
  } catch (const json::exception& error) {
    throw Error(ErrorCode::tool_failed,
                fmt::format("cannot understand what qemu-img info says: {}", quote(error.what())));
  }
}

void check_agreement(const ImageDescription& seen, const cache::InspectionVerdict& verdict) {
  const std::string_view format = model::qemu_name(verdict.format);
  if (seen.format != format) refuse(fmt::format("the image is {} but qemu-img sees {}", format, quote(seen.format)));
  if (seen.virtual_size != verdict.virtual_size) {
    refuse(fmt::format("the image's header says {} bytes but qemu-img sees {} bytes", verdict.virtual_size.count,
                       seen.virtual_size.count));
  }
  if (seen.has_backing_file) refuse("qemu-img sees a backing file");
  if (seen.has_external_file) refuse("qemu-img sees an external data file");
}

}  // namespace basecache::qemu
