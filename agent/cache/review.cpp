#include "agent/cache/review.hpp"

#include <fmt/format.h>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/in_place_inspection.hpp"

namespace basecache::cache {
namespace {

Error unfit(const model::CacheKey& key, const std::string& reason, const std::string& why_it_stays) {
  return Error(ErrorCode::in_use, fmt::format("base file {} must not be used any more, and can't be replaced: {}; {}",
                                              key.text(), reason, why_it_stays))
      .set_hint("when nobody uses it any more, the next request moves it to quarantine and fetches the image anew");
}

std::string reason_of(const std::vector<fetch::Finding>& findings, unsigned rules) {
  std::string details;
  for (const fetch::Finding& finding : findings) details += (details.empty() ? "" : "; ") + finding.detail;
  return fmt::format("rule set {} of the inspector doesn't take it: {}", rules, details);
}

bool was_converted(const BaseFileRecord& record) {
  return record.source_format && *record.source_format != record.format;
}

}  // namespace

// Blank base files were made here and never had any rules to pass.
bool Review::is_outdated(const BaseFile& base) const {
  return base.key().kind() == model::CacheKey::Kind::image && base.rules() < inspector_.rules();
}

bool Review::is_due(const BaseFile& base) const { return is_outdated(base) || read_unfitness(layout_, base.key()); }

void Review::pass(const model::BaseFileSpec& spec, OpContext& op) {
  const model::CacheKey key = model::key_of(spec);
  const std::optional<BaseFile> base = BaseFile::find(layout_, key);
  if (base && is_outdated(*base) && !read_unfitness(layout_, key))
    inspect_again(std::get<model::ImageBase>(spec), *base, op);
  const std::optional<std::string> reason = read_unfitness(layout_, key);
  if (!reason) return;
  if (const auto why_it_stays = quarantine_.isolate_locked(key, op)) throw unfit(key, *reason, *why_it_stays);
  op.note(fmt::format("base file {} went to quarantine, and its image is fetched anew: {}", key.text(), *reason));
}

void Review::refuse_unfit(const model::CacheKey& key) const {
  if (const auto reason = read_unfitness(layout_, key)) throw unfit(key, *reason, "a request is using it right now");
}

void Review::inspect_again(const model::ImageBase& image, const BaseFile& base, OpContext& op) {
  BaseFileRecord record = read_record(layout_, base.key()).value();
  std::vector<fetch::Finding> findings = with_context(
      [&] { return "cannot inspect base file " + quote(base.path().native()) + " again"; },
      [&] {
        return was_converted(record) ? findings_in_source(image, record, op) : findings_in(base, image, record, op);
      });
  if (!findings.empty()) {
    const std::string reason = reason_of(findings, inspector_.rules());
    return quarantine_.condemn(base.key(), {.reason = reason, .findings = std::move(findings)});
  }
  record.rules = inspector_.rules();
  if (!record.content_digest) record.content_digest = digest_in_place(base.path(), op);
  write_record(layout_, base.key(), record, base.path());
}

std::vector<fetch::Finding> Review::findings_in_source(const model::ImageBase& image, const BaseFileRecord& record,
                                                       OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  op.note(
      fmt::format("base file {} is older than rule set {} of the inspector, so the image that it was converted from "
                  "is fetched again to be inspected",
                  key.text(), inspector_.rules()));
  // Whatever it is asked for now: it was made a disk of.
  const model::ImageBase disk{image.ref, image.checksum, model::ImageUse::disk};
  const auto report = builder_.inspect_source(disk, record.source_digest, op);
  if (report.same && !report.refusal) return {};
  if (report.same) {
    return {{.check = "source",
             .detail = "it was converted from what is refused: " + report.refusal->message(),
             .hint = {}}};
  }
  // Which says nothing against it, so it isn't marked: the source may come to its senses.
  const std::string gone =
      std::string("what it was converted from can't be inspected any more: ") +
      (record.source_digest ? "its source has other bytes now" : "nobody knows any more which bytes it was");
  if (const auto why_it_stays = quarantine_.reason_to_stay(key, op)) throw unfit(key, gone, *why_it_stays);
  return {{.check = "source", .detail = gone, .hint = {}}};
}

// What is refused as a disk may go on being a kernel; who asks for a disk of it hears that from the cache.
std::vector<fetch::Finding> Review::findings_in(const BaseFile& base, const model::ImageBase& image,
                                                BaseFileRecord& record, OpContext& op) {
  const model::ImageUse use = record.is_boot_file_only ? model::ImageUse::boot_file : image.use;
  fetch::InspectionReport report = inspect_in_place(base.path(), use, inspector_, op);
  if (!report.safe()) return report.findings;
  record.is_boot_file_only = report.verdict.is_boot_file_only;
  if (report.verdict.format != base.format()) {
    return {
        {.check = "declared_format",
         .detail = fmt::format("it was made as {} and looks like {}", model::qemu_name(base.format()), report.format),
         .hint = {}}};
  }
  if (base.format() == model::DiskFormat::raw) return {};
  try {
    converter_.confirm(base.path(), report.verdict, op);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::image_unacceptable) throw;
    return {{.check = "agreement", .detail = error.message(), .hint = error.hint()}};
  }
  return {};
}

}  // namespace basecache::cache
