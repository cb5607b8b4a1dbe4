#include "agent/cache/base_file_builder.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <functional>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/build_room.hpp"
#include "agent/cache/content_digest.hpp"
#include "agent/cache/in_place_inspection.hpp"
#include "agent/fetch/file_digest.hpp"
#include "agent/fetch/image_stream.hpp"
#include "agent/fetch/left_transfers.hpp"
#include "agent/fetch/transfer_journal.hpp"

namespace basecache::cache {
namespace {

BaseFileRecord record_of(std::string origin, model::DiskFormat format, Bytes virtual_size) {
  BaseFileRecord record;
  record.origin = std::move(origin);
  record.format = format;
  record.virtual_size = virtual_size;
  record.created = std::time(nullptr);
  return record;
}

// What has just been published or taken over.
BaseFile visible(const layout::CacheLayout& layout, const model::CacheKey& key) {
  if (auto base = BaseFile::find(layout, key)) return *std::move(base);
  throw Error(ErrorCode::internal, "base file " + key.text() + " or its record vanished while its lock was held");
}

// An empty sparse file of its final size, for a formatter.
StagedFile blank_file(const Path& path, Bytes size) {
  StagedFile file = StagedFile::create(path);
  if (::ftruncate(file.fd(), static_cast<off_t>(size.count)) != 0) {
    const int error = errno;
    throw Error::from_errno(error, "make a blank file of " + to_text(size) + " at " + quote(path.native()));
  }
  return file;
}

// The operator's command may have made a file of its own there, or one of another size.
void require_same_file(const StagedFile& file, Bytes size) {
  struct stat made {};
  struct stat standing {};
  const bool stands = ::fstat(file.fd(), &made) == 0 && ::lstat(file.path().c_str(), &standing) == 0 &&
                      made.st_ino == standing.st_ino && made.st_size == static_cast<off_t>(size.count);
  if (stands) return;
  throw Error(ErrorCode::tool_failed,
              "what was to format the file has replaced it, or changed its size of " + to_text(size))
      .set_hint("[DEFAULT] virt_mkfs must write into its %(target)s, and leave its size as it is");
}

// What can't be held on this storage doesn't go on taking its room, either.
bool is_storage_failure(ErrorCode code) { return code == ErrorCode::no_space || code == ErrorCode::storage_unusable; }

// After a failure, which is what the caller has to hear of, not that this failed too.
void try_to_remove_transfer(const layout::CacheLayout& layout, const model::CacheKey& key) noexcept {
  try {
    fetch::remove_transfer(layout, key);
  } catch (const std::exception&) {
  }
}

std::string digest_of(const StagedFile& file, OpContext& op) {
  const auto step = op.steps().measure("digest");
  return content_digest(file.fd(), file.path(), [&](Bytes) { op.check(); });
}

// Of a file that nobody took one of while it came.
Digest kept_digest(const Path& path, OpContext& op) {
  const auto step = op.steps().measure("digest");
  return fetch::file_digest(path, fetch::WantedDigests{}.kept, op);
}

// However a build ends: what is left then may be one more.
struct LimitAtEnd {
  ~LimitAtEnd() { fetch::limit_left_transfers(layout, key, most); }

  const layout::CacheLayout& layout;
  const model::CacheKey& key;
  const Bytes most;
};

// Around every fetch: once more when the disk was full and others' left transfers could make room; and what can't be
// held here doesn't stay. Neither where room was refused beforehand: all that could go has been looked at. `most`:
// bytes that all left transfers may hold, none: a tenth of the file system.
template <class Work>
auto within_limits(const layout::CacheLayout& layout, const model::CacheKey& key, std::optional<Bytes> most,
                   Work work) {
  const LimitAtEnd limit{layout, key, most ? *most : fetch::most_left_bytes(layout)};
  try {
    try {
      return work();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_space || Reservations::refused(error)) throw;
      if (fetch::limit_left_transfers(layout, key, Bytes{0}).count == 0) throw;
    }
    return work();
  } catch (const Error& error) {
    if (is_storage_failure(error.code()) && !Reservations::refused(error)) try_to_remove_transfer(layout, key);
    throw;
  }
}

}  // namespace

BaseFile BaseFileBuilder::build(const model::BaseFileSpec& spec, OpContext& op, const Known& known) {
  struct Chooser {
    BaseFileBuilder& builder;
    const Known& known;
    OpContext& op;
    BaseFile operator()(const model::ImageBase& image) const { return builder.build_image(image, known, op); }
    BaseFile operator()(const model::EphemeralBase& blank) const { return builder.build_ephemeral(blank, op); }
    BaseFile operator()(const model::SwapBase& blank) const { return builder.build_swap(blank, op); }
  };
  return with_context([&] { return "cannot prepare base file of " + model::describe(spec); },
                      [&] {
                        return std::visit(Chooser{*this, known, op}, spec);
                      });
}

BaseFile BaseFileBuilder::build_image(const model::ImageBase& image, const Known& known, OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  BaseFile base =
      within_limits(layout_, key, settings_.most_left_bytes, [&] { return fetch_and_publish(image, known, key, op); });
  fetch::remove_transfer(layout_, key);
  refusals_.forget(key);
  return base;
}

BaseFile BaseFileBuilder::fetch_and_publish(const model::ImageBase& image, const Known& known,
                                            const model::CacheKey& key, OpContext& op) {
  BuildRoom room(settings_.reservations, layout_, key, "image " + quote(image.ref.shown()));
  fetch::InspectedImage inspected = fetch_safe(image, known, key, room, op);
  try {
    return publish_image(std::move(inspected), image, key, room, op);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::image_unacceptable) try_to_remove_transfer(layout_, key);
    throw;
  }
}

fetch::InspectedImage BaseFileBuilder::fetch_safe(const model::ImageBase& image, const Known& told,
                                                  const model::CacheKey& key, BuildRoom& room, OpContext& op) {
  const model::ImageRecord known = told ? *told : describe(image.ref, op);
  const std::optional<RefusedImage> refusable = refusable_image(known, image.use);
  if (refusable) refusals_.require_none(key, *refusable);
  room.expect_image(known, op);
  std::optional<fetch::StreamedDisk> disk;
  if (settings_.force_raw_images && image.use == model::ImageUse::disk) {
    disk.emplace(steps_.decoder, layout_.converted(key), [&](Bytes size) { room.expect_disk(size, op); });
  }
  const fetch::WantedDigests digests = fetch::wanted_digests(known, image.checksum, settings_.allow_md5);
  return accept(fetch(known, digests, key, std::move(disk), room, op), image.use, key, refusable, op);
}

fetch::InspectedImage BaseFileBuilder::accept(fetch::FetchedImage fetched, model::ImageUse use,
                                              const model::CacheKey& key, const std::optional<RefusedImage>& refusable,
                                              OpContext& op) {
  try {
    return inspect(std::move(fetched), use, op);
  } catch (const Error& error) {
    // Of whole and verified bytes it is a verdict: no later attempt would find anything else in them.
    if (error.code() == ErrorCode::image_unacceptable) {
      try_to_remove_transfer(layout_, key);
      if (refusable) refusals_.remember(key, *refusable, error);
    }
    throw;
  }
}

BaseFileBuilder::SourceReport BaseFileBuilder::inspect_source(const model::ImageBase& image,
                                                              const std::optional<Digest>& made_from, OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  const SourceReport report = within_limits(layout_, key, settings_.most_left_bytes,
                                            [&] { return fetch_and_inspect(image, made_from, key, op); });
  if (report.same) fetch::remove_transfer(layout_, key);
  return report;
}

// A refusal that is remembered tells what the bytes are without a download, when they are those that were meant.
BaseFileBuilder::SourceReport BaseFileBuilder::fetch_and_inspect(const model::ImageBase& image,
                                                                 const std::optional<Digest>& made_from,
                                                                 const model::CacheKey& key, OpContext& op) {
  const model::ImageRecord known = describe(image.ref, op);
  const std::optional<RefusedImage> refusable = refusable_image(known, image.use);
  SourceReport report{.same = made_from && refusable && refusable->digest == made_from};
  try {
    if (report.same) refusals_.require_none(key, *refusable);
    fetch::WantedDigests digests = fetch::wanted_digests(known, std::nullopt, settings_.allow_md5);
    if (made_from) {
      digests.kept = made_from->algorithm;
      digests.is_kept_always = true;
    }
    BuildRoom room(settings_.reservations, layout_, key, "image " + quote(image.ref.shown()));
    room.expect_image(known, op);
    fetch::FetchedImage fetched = fetch(known, digests, key, std::nullopt, room, op);
    report.same = made_from && fetched.digest() == *made_from;
    (void)accept(std::move(fetched), image.use, key, refusable, op);
  } catch (const Error& error) {
    if (!fetch::blames_bytes(error)) throw;
    report.refusal = error;
  }
  return report;
}

fetch::InspectedImage BaseFileBuilder::inspect(fetch::FetchedImage fetched, model::ImageUse use, OpContext& op) {
  fetch::InspectedImage inspected = fetch::InspectedImage::inspect(std::move(fetched), use, steps_.inspector, op);
  confirm(inspected, op);
  return inspected;
}

model::ImageRecord BaseFileBuilder::describe(const model::ImageRef& ref, OpContext& op) {
  const auto step = op.steps().measure("describe");
  model::ImageRecord record = steps_.source.describe(ref, op);
  (void)model::image_meta_of(record);  // before any byte is fetched
  return record;
}

// Nothing where no digest tells these bytes from others.
std::optional<RefusedImage> BaseFileBuilder::refusable_image(const model::ImageRecord& known,
                                                             model::ImageUse use) const {
  if (!known.digest || (known.digest->algorithm == DigestAlgorithm::md5 && !settings_.allow_md5)) return std::nullopt;
  return RefusedImage{.origin = known.ref.shown(),
                      .digest = *known.digest,
                      .declared_format = known.disk_format,
                      .use = use,
                      .rules = steps_.inspector.rules()};
}

BaseFile BaseFileBuilder::publish_image(fetch::InspectedImage inspected, const model::ImageBase& image,
                                        const model::CacheKey& key, BuildRoom& room, OpContext& op) {
  const fetch::InspectionVerdict verdict = inspected.verdict();

  const bool converts = settings_.force_raw_images && verdict.format != model::DiskFormat::raw;
  BaseFileRecord record =
      record_of(image.ref.shown(), converts ? model::DiskFormat::raw : verdict.format, verdict.virtual_size);
  record.source_format = verdict.format;
  record.source_digest = inspected.digest();
  // Of what becomes something else it is all that will be known.
  if (converts && !record.source_digest) record.source_digest = kept_digest(inspected.path(), op);
  record.rules = steps_.inspector.rules();
  record.is_boot_file_only = verdict.is_boot_file_only;
  record.image_meta = model::image_meta_of(inspected.record());

  fetch::SummedFile ready = converts ? convert(std::move(inspected), key, room, op) : std::move(inspected).take_file();
  room.made();
  return publish(std::move(ready), key, std::move(record), op);
}

// The registry, the inspector and the converting tool must be of one mind; the first two are already.
void BaseFileBuilder::confirm(const fetch::InspectedImage& image, OpContext& op) {
  if (image.verdict().format == model::DiskFormat::raw) return;
  try {
    steps_.converter.confirm(image.path(), image.verdict(), op);
  } catch (Error& error) {
    image.check_unchanged();
    const auto& declared = image.declared_format();
    if (error.code() == ErrorCode::image_unacceptable) {
      error.add_context(declared ? "the registry says " + quote(*declared) : "the registry says nothing of its format");
    }
    throw;
  }
}

fetch::FetchedImage BaseFileBuilder::fetch(const model::ImageRecord& known, const fetch::WantedDigests& digests,
                                           const model::CacheKey& key, std::optional<fetch::StreamedDisk> disk,
                                           BuildRoom& room, OpContext& op) {
  std::unique_ptr<fetch::Verification> verification = steps_.verifier.begin(known);
  const fetch::Unsynced unsynced =
      digests.expected.empty() && !verification ? fetch::Unsynced::distrusted : fetch::Unsynced::trusted;
  fetch::ImageStream stream(known, digests, fetch::StagedTransfer(layout_, key, known.ref.shown(), unsynced),
                            steps_.inspector, std::move(verification), std::move(disk), op);
  fetch_verified(known, stream, room, op);
  room.arrived();
  return std::move(stream).finish();
}

void BaseFileBuilder::bring(const model::ImageRecord& record, fetch::ImageStream& stream, BuildRoom& room,
                            OpContext& op) {
  const auto step = op.steps().measure("fetch");
  BuildRoom::Sink sink(room, stream, op);
  steps_.source.fetch(record, sink, op);
}

// Bytes of several transfers that don't fit are no proof against the image: a server may have said that it still has
// the same bytes when it has others, or the disk may have lost some. So they are fetched once more, by one transfer:
// one damaged place that always breaks off would else spoil them for all others.
void BaseFileBuilder::fetch_verified(const model::ImageRecord& record, fetch::ImageStream& stream, BuildRoom& room,
                                     OpContext& op) {
  try {
    bring(record, stream, room, op);
    return stream.verify();
  } catch (const Error&) {
    if (!stream.refuted_mixture()) throw;
  }
  stream.mix_no_more();
  bring(record, stream, room, op);
  stream.verify();
}

fetch::SummedFile BaseFileBuilder::convert(fetch::InspectedImage image, const model::CacheKey& key, BuildRoom& room,
                                           OpContext& op) {
  if (std::optional<fetch::SummedFile> disk = image.finish_disk(op)) {
    std::move(image).take_file();  // and gone: nothing is left to be gone on with
    return *std::move(disk);
  }
  room.expect_disk(image.verdict().virtual_size, op);
  const auto step = op.steps().measure("convert");
  StagedFile raw = StagedFile::reserve(layout_.converted(key));
  steps_.converter.to_raw(image.path(), image.verdict(), raw.path(), op);
  raw.adopt();
  std::move(image).take_file();
  return {.file = std::move(raw)};
}

BaseFile BaseFileBuilder::build_ephemeral(const model::EphemeralBase& ephemeral, OpContext& op) {
  const model::CacheKey key = model::key_of(ephemeral);
  const Bytes size = gibibytes(ephemeral.gibibytes);
  BuildRoom room(settings_.reservations, layout_, key, model::describe(ephemeral));
  room.expect_blank(size, op);
  StagedFile file = blank_file(layout_.fetched(key), size);
  {
    const auto step = op.steps().measure("format");
    steps_.formatter.format_ephemeral(file.path(), ephemeral, op);
  }
  require_same_file(file, size);
  room.made();
  return publish({.file = std::move(file)}, key, record_of(model::describe(ephemeral), model::DiskFormat::raw, size),
                 op);
}

BaseFile BaseFileBuilder::build_swap(const model::SwapBase& swap, OpContext& op) {
  const model::CacheKey key = model::key_of(swap);
  const Bytes size = mebibytes(swap.mebibytes);
  StagedFile file = blank_file(layout_.fetched(key), size);
  {
    const auto step = op.steps().measure("format");
    steps_.formatter.format_swap(file.path(), op);
  }
  return publish({.file = std::move(file)}, key, record_of(model::describe(swap), model::DiskFormat::raw, size), op);
}

BaseFile BaseFileBuilder::publish(fetch::SummedFile made, const model::CacheKey& key, BaseFileRecord record,
                                  OpContext& op) {
  op.check();
  StagedFile& file = made.file;
  record.content_digest = made.sum ? content_digest(*made.sum, file.size()) : digest_of(file, op);
  if (!made.sum) {  // a program wrote it, and we have read it: its pages are the guests'
    sync_file(file.fd(), file.path());
    drop_pages(file.fd(), Bytes{0});
  }
  const auto step = op.steps().measure("publish");
  // The record first: a visible base file is then never without one, and a record without its file means nothing.
  write_record(layout_, key, record, file.path());
  std::move(file).publish(layout_.base_file(key));
  return visible(layout_, key);
}

BaseFile BaseFileBuilder::adopt(const model::ImageBase& image, OpContext& op, const Known& known) {
  const model::CacheKey key = model::key_of(image);
  const Path path = layout_.base_file(key);
  BaseFileRecord record;
  try {
    const fetch::InspectionVerdict verdict = inspect_in_place(path, image.use, steps_.inspector, op).require_safe();
    if (verdict.format != model::DiskFormat::raw) steps_.converter.confirm(path, verdict, op);
    record = record_of(image.ref.shown(), verdict.format, verdict.virtual_size);
    record.is_boot_file_only = verdict.is_boot_file_only;
  } catch (Error& error) {
    error.add_context("cannot take over base file " + quote(path.native()));
    if (error.code() == ErrorCode::image_unacceptable) {
      error.set_hint("'basecache cache remove " + key.text() + "' makes the next request fetch the image");
    }
    throw;
  }
  record.rules = steps_.inspector.rules();
  record.content_digest = digest_in_place(path, op);
  if (known) record.image_meta = model::image_meta_of(*known);
  write_record(layout_, key, record, path);
  return visible(layout_, key);
}

}  // namespace basecache::cache
