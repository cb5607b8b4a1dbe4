#include "agent/api/messages.hpp"

#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::api {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestReason = 1000;
// Slower, a server might take us for dead: while the connection's buffers, some MiB, are full it can't write (nginx
// gives up after a minute of that, by its send_timeout). Our own waits never count as a stall of the server.
constexpr std::uint64_t kLeastBytesPerSecond = 64 * 1024;
constexpr std::uint64_t kMostBytesPerSecond = std::uint64_t{1} << 50;
constexpr std::size_t kLongestRef = 4096;  // ImageRef has its own, shorter limit and says it better

template <class T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json disk_to_json(const provision::InstanceDisk& disk) {
  return {
      {"name", disk.name},      {"path", disk.path.native()}, {"format", disk.format}, {"size_bytes", disk.size.count},
      {"io", name_of(disk.io)}, {"base", disk.base},          {"how", disk.how}};
}

}  // namespace

json parse_body(const std::string& body) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return json::object();
  return model::parse_json(body, "the request's body");
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

model::InstanceSpec creation_request(const std::string& uuid, json body) {
  if (body.is_object()) {
    if (body.contains("uuid") && body["uuid"] != uuid) {
      throw Error(ErrorCode::invalid_request, "uuid is another one in the body than in the path")
          .add_field("field", "uuid");
    }
    body["uuid"] = uuid;
  }
  return model::InstanceSpec::make(body);
}

PrecacheRequest precache_request(const json& body) {
  model::JsonFields fields(body, "");
  PrecacheRequest request{
      .image = {model::ImageRef::parse(fields.required_text("image_ref", kLongestRef), "image_ref"), {}},
      .bytes_per_second = {}};
  request.image.checksum = fields.digest("checksum");
  if (fields.boolean("boot_file").value_or(false)) request.image.use = model::ImageUse::boot_file;
  request.bytes_per_second = fields.number("bytes_per_second", kMostBytesPerSecond);
  if (request.bytes_per_second && *request.bytes_per_second < kLeastBytesPerSecond) {
    throw Error(ErrorCode::invalid_request, "bytes_per_second is less than " + std::to_string(kLeastBytesPerSecond))
        .set_hint("ask for 64KiB (65536) a second or more; slower, a server takes the connection for dead")
        .add_field("field", "bytes_per_second");
  }
  fields.finish();
  return request;
}

std::string pin_reason(const json& body) {
  model::JsonFields fields(body, "");
  std::string reason = fields.text("reason", kLongestReason).value_or("");
  fields.finish();
  return reason;
}

bool prune_is_dry(const json& body) {
  model::JsonFields fields(body, "");
  const bool dry = fields.boolean("dry_run").value_or(false);
  fields.finish();
  return dry;
}

RateLimit verify_rate(const json& body) {
  model::JsonFields fields(body, "");
  const std::uint64_t rate =
      fields.number("bytes_per_second", kMostBytesPerSecond).value_or(cache::ContentCheck::kBytesPerSecond);
  fields.finish();
  return rate == 0 ? RateLimit() : RateLimit(rate);
}

json to_json(const Progress& progress) {
  return {{"step", progress.step},
          {"subject", progress.subject},
          {"done", progress.done},
          {"total", or_null(progress.total)}};
}

json timing(OpContext& op, std::chrono::steady_clock::time_point started) {
  json steps = json::array();
  for (const Step& step : op.steps().steps()) {
    steps.push_back({{"name", step.name}, {"seconds", std::chrono::duration<double>(step.duration).count()}});
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return {{"steps", std::move(steps)}, {"seconds", seconds}};
}

json to_json(const provision::InstanceDisks& instance) {
  json disks = json::array();
  for (const provision::InstanceDisk& disk : instance.disks) disks.push_back(disk_to_json(disk));
  json shown = {{"uuid", instance.uuid.text()}, {"disks", std::move(disks)}};
  if (instance.image) {
    shown["image"] = {{"ref", instance.image->ref.empty() ? json() : json(instance.image->ref)},
                      {"system_metadata", instance.image->system_metadata}};
  }
  return shown;
}

json to_json(const cache::CacheEntry& entry, const prune::Usage& usage) {
  json shown = {{"key", entry.key.text()},
                {"kind", name_of(entry.key.kind())},
                {"origin", entry.record ? json(entry.record->origin) : json()},
                {"format", entry.record ? json(model::qemu_name(entry.record->format)) : json()},
                {"virtual_size_bytes", entry.virtual_size.count},
                {"allocated_bytes", entry.allocated.count},
                {"age_seconds", entry.age.count()},
                {"leases", entry.leases},
                {"pin", or_null(entry.pin)},
                {"source_format", nullptr},
                {"source_digest", nullptr},
                {"content_digest", nullptr},
                {"rules", nullptr},
                {"unfit", or_null(entry.unfit)},
                {"users", json::array()}};
  if (entry.record && entry.record->source_format) {
    shown["source_format"] = model::qemu_name(*entry.record->source_format);
  }
  if (entry.record && entry.record->source_digest) shown["source_digest"] = entry.record->source_digest->text();
  if (entry.record && entry.record->content_digest) shown["content_digest"] = *entry.record->content_digest;
  if (entry.record && entry.key.kind() == model::CacheKey::Kind::image) shown["rules"] = entry.record->rules;
  if (const auto users = usage.users.find(entry.key); users != usage.users.end()) shown["users"] = users->second;
  return shown;
}

json to_json(const cache::BaseFileLease& lease) {
  return {{"key", lease.base().key().text()},
          {"path", lease.base().path().native()},
          {"format", model::qemu_name(lease.base().format())},
          {"virtual_size_bytes", lease.base().virtual_size().count},
          {"how", name_of(lease.how())}};
}

json to_json(const cache::Capacity& capacity) {
  return {{"used_bytes", capacity.used.count},
          {"max_bytes", capacity.max_bytes ? json(capacity.max_bytes->count) : json()},
          {"free_bytes", capacity.free.count},
          {"min_free_bytes", capacity.min_free.count},
          {"excess_bytes", capacity.excess().count}};
}

json to_json(const prune::PruneReport& report) {
  json decisions = json::array();
  std::size_t removed = 0;
  for (const prune::PruneDecision& decision : report.decisions) {
    removed += decision.remove ? 1 : 0;
    decisions.push_back({{"name", decision.entry.name},
                         {"remove", decision.remove},
                         {"reason", decision.reason},
                         {"allocated_bytes", decision.entry.allocated.count},
                         {"age_seconds", decision.entry.age.count()}});
  }
  return {{"dry_run", report.dry_run},
          {"freed_bytes", report.freed.count},
          {"removed", removed},
          {"kept", report.decisions.size() - removed},
          {"decisions", std::move(decisions)},
          {"refusals_forgotten", report.refusals_forgotten},
          {"capacity", to_json(report.capacity)},
          {"staying",
           {{"under_disks_bytes", report.staying.under_disks.count},
            {"leased_bytes", report.staying.leased.count},
            {"pinned_bytes", report.staying.pinned.count},
            {"quarantined_bytes", report.staying.quarantined.count},
            {"others_bytes", report.staying.others.count}}},
          {"unreadable", report.unreadable}};
}

json to_json(const model::CacheKey& key, const cache::CheckedContent& checked) {
  return {{"key", key.text()},
          {"state", name_of(checked.state)},
          {"detail", checked.detail.empty() ? json() : json(checked.detail)},
          {"size_bytes", checked.size.count},
          {"read_bytes", checked.read.count}};
}

json to_json(const cache::QuarantinedFile& file) {
  return {{"name", file.name},     {"key", file.key},
          {"reason", file.reason}, {"origin", file.origin.empty() ? json() : json(file.origin)},
          {"found", file.found},   {"allocated_bytes", file.allocated.count}};
}

}  // namespace basecache::api
