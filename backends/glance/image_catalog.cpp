#include "backends/glance/image_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"
#include "backends/glance/api_path.hpp"
#include "backends/glance/image_status.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::size_t kPageSize = 100;      // records of a few KiB each
constexpr std::size_t kLargestPage = 1000;  // Glance's api_limit_max
constexpr const char* kList = "the registry's list of images";

constexpr std::size_t kLongestId = 255;

struct Page {
  ImageList list;
  std::string last_id;
  bool is_last = true;
};

std::string id_in(const json& record) {
  if (!record.is_object()) return {};
  const auto id = record.find("id");
  return id == record.end() || !id->is_string() ? std::string{} : id->get<std::string>().substr(0, kLongestId);
}

void add_record(const json& record, Page& page) {
  std::string id = id_in(record);
  if (!id.empty()) page.last_id = id;
  try {
    page.list.images.push_back(parse_image(record));
  } catch (const Error& error) {
    page.list.damaged.push_back({.id = std::move(id), .why = error.message()});
  }
}

Page parse_page(const std::string& answer) {
  const json document = parse_answer(answer, kList, kLongestList);
  return reading_answer(kList, [&] {
    model::JsonFields fields(document, "");
    Page page;
    if (const json* list = fields.array("images", kLargestPage)) {
      for (const json& record : *list) add_record(record, page);
      page.is_last = list->empty() || !document.contains("next");
    }
    return page;
  });
}

void append(ImageList& all, ImageList&& more) {
  std::ranges::move(more.images, std::back_inserter(all.images));
  std::ranges::move(more.damaged, std::back_inserter(all.damaged));
}

std::size_t next_page_size(const ImageFilter& filter, std::size_t listed) {
  return filter.limit ? std::min(kPageSize, *filter.limit - std::min(*filter.limit, listed)) : kPageSize;
}

constexpr std::size_t kMostImages = 100'000;

Error endless_list() {
  return Error(ErrorCode::source_unavailable, fmt::format("the registry lists more than {} images", kMostImages))
      .set_hint("ask for some of them: by name, status or tag, or with a limit");
}

}  // namespace

GlanceImage ImageCatalog::show(const ImageAddress& image, const OpContext& op) {
  const auto answer = client_.call(
      {.doing = "show image " + quote(image.id), .path = image_path(image.id), .servers = servers_of(image)}, op);
  GlanceImage found = parse_image(answer.body);
  require_same_image(image.id, found);
  return found;
}

// The next page is asked for in our own words: the link that Glance gives doesn't know the prefix of its address.
ImageList ImageCatalog::list(const ImageFilter& filter, const OpContext& op) {
  ImageList list;
  std::set<std::string> markers;
  std::string marker;
  while (const std::size_t page_size = next_page_size(filter, list.images.size())) {
    const auto answer = client_.call({.doing = "list images", .path = list_path(filter, page_size, marker)}, op);
    Page page = parse_page(answer.body);
    if (!page.last_id.empty()) marker = page.last_id;
    // A page that has been before: the server would go on for ever.
    const bool is_last = page.is_last || !markers.insert(marker).second;
    append(list, std::move(page.list));
    if (is_last) break;
    if (list.images.size() + list.damaged.size() > kMostImages) throw endless_list();
  }
  if (filter.limit && list.images.size() > *filter.limit) list.images.resize(*filter.limit);
  return list;
}

std::vector<ImageMember> ImageCatalog::members(const std::string& image_id, const OpContext& op) {
  const auto answer = client_.call(
      {.doing = "list members of image " + quote(image_id), .path = image_path(image_id) + "/members"}, op);
  return parse_members(answer.body);
}

ImageSchema ImageCatalog::schema(const OpContext& op) {
  return ImageSchema::parse(client_.call({.doing = "read the schema of images", .path = "/v2/schemas/image"}, op).body);
}

}  // namespace basecache::glance
