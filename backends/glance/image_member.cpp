#include "backends/glance/image_member.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/model/json_fields.hpp"
#include "backends/glance/server_answer.hpp"

namespace basecache::glance {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 255;
constexpr std::size_t kMostMembers = 100'000;
constexpr const char* kMember = "the registry's record of an image's member";

ImageMember read_member(const json& record, const std::string& path) {
  model::JsonFields fields(record, path);
  return {.image_id = fields.required_text("image_id", kLongestText),
          .member_id = fields.required_text("member_id", kLongestText),
          .status = fields.required_text("status", kLongestText),
          .created_at = fields.text("created_at", kLongestText).value_or(""),
          .updated_at = fields.text("updated_at", kLongestText).value_or("")};
}

}  // namespace

ImageMember parse_member(const std::string& answer) {
  const json record = parse_answer(answer, kMember);
  return reading_answer(kMember, [&] { return read_member(record, ""); });
}

std::vector<ImageMember> parse_members(const std::string& answer) {
  const json document = parse_answer(answer, kMember, kLongestList);
  return reading_answer(kMember, [&] {
    std::vector<ImageMember> members;
    model::JsonFields fields(document, "");
    if (const json* list = fields.array("members", kMostMembers)) {
      for (const json& record : *list) {
        members.push_back(read_member(record, fmt::format("members[{}]", members.size())));
      }
    }
    return members;
  });
}

json to_json(const ImageMember& member) {
  json record = json::object();
  record["image_id"] = member.image_id;
  record["member_id"] = member.member_id;
  record["status"] = member.status;
  record["created_at"] = member.created_at;
  record["updated_at"] = member.updated_at;
  return record;
}

}  // namespace basecache::glance
