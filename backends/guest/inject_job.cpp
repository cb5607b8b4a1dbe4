#include "backends/guest/inject_job.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::guest {
namespace {

using injection::ItemKind;
using nlohmann::json;

constexpr std::size_t kLongestReason = 400;

ItemKind kind_from(std::string_view name) {
  for (const ItemKind kind :
       {ItemKind::key, ItemKind::network, ItemKind::metadata, ItemKind::admin_password, ItemKind::files}) {
    if (injection::name_of(kind) == name) return kind;
  }
  throw Error(ErrorCode::tool_failed, "there is no item " + quote(name, 40));
}

json to_json(const injection::Item& item) {
  json files = json::array();
  for (const model::InjectedFile& file : item.files) files.push_back({file.path, file.contents});
  return {{"kind", injection::name_of(item.kind)}, {"text", item.text}, {"files", std::move(files)}};
}

injection::Item item_from(const json& value) {
  injection::Item item{.kind = kind_from(value.at("kind").get<std::string>()), .text = value.at("text"), .files = {}};
  for (const json& file : value.at("files")) item.files.push_back({file.at(0), file.at(1)});
  return item;
}

}  // namespace

std::string to_bytes(const InjectJob& job) {
  json items = json::array();
  for (const injection::Item& item : job.injection.items) items.push_back(to_json(item));
  const std::vector<std::uint8_t> bytes =
      json::to_cbor({{"size", job.disk_size}, {"partition", job.injection.partition}, {"items", std::move(items)}});
  return {bytes.begin(), bytes.end()};
}

InjectJob job_from(std::string_view bytes) {
  try {
    const json value = json::from_cbor(bytes);
    InjectJob job{.disk_size = value.at("size"), .injection = {.partition = value.at("partition"), .items = {}}};
    for (const json& item : value.at("items")) job.injection.items.push_back(item_from(item));
    return job;
  } catch (const json::exception&) {
    throw Error(ErrorCode::internal, "the child was told what it can't read");
  }
}

std::string to_text(const std::vector<ItemFailure>& failures) {
  json list = json::array();
  for (const ItemFailure& failure : failures) {
    list.push_back({{"item", injection::name_of(failure.kind)}, {"why", failure.why}});
  }
  return list.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::vector<ItemFailure> failures_from(std::string_view text, const injection::Injection& asked) {
  const json list = json::parse(text, nullptr, false);
  const auto strange = [] {
    return Error(ErrorCode::tool_failed, "the reader of the guest's file system says what no reader says");
  };
  if (!list.is_array()) throw strange();
  std::vector<ItemFailure> failures;
  for (const json& one : list) {
    if (!one.is_object() || !one.contains("item") || !one.contains("why")) throw strange();
    if (!one["item"].is_string() || !one["why"].is_string()) throw strange();
    const ItemKind kind = kind_from(one["item"].get<std::string>());
    const bool is_asked = std::ranges::find(asked.items, kind, &injection::Item::kind) != asked.items.end();
    const bool is_told = std::ranges::find(failures, kind, &ItemFailure::kind) != failures.end();
    if (!is_asked || is_told) throw strange();
    failures.push_back({kind, quote(one["why"].get<std::string>(), kLongestReason)});
  }
  return failures;
}

}  // namespace basecache::guest
