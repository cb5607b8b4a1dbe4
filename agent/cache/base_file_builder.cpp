#include "agent/cache/base_file_builder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/filesystem/operations.hpp>
#include <cerrno>
#include <ctime>
#include <functional>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/cache/image_stream.hpp"
#include "agent/cache/left_transfers.hpp"
#include "agent/cache/transfer_journal.hpp"

namespace basecache::cache {
namespace {

// The label Nova's first builder of an ephemeral base gives it (driver.py _get_fs_label_ephemeral).
const std::string kEphemeralLabel = "ephemeral0";
constexpr std::size_t kInspectionBlock = 1 << 20;

BaseFileRecord record_of(std::string origin, model::DiskFormat format, Bytes virtual_size) {
  BaseFileRecord record;
  record.origin = std::move(origin);
  record.format = format;
  record.virtual_size = virtual_size;
  record.created = std::time(nullptr);
  return record;
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

// What can't be held on this storage doesn't go on taking its room, either.
bool is_storage_failure(ErrorCode code) { return code == ErrorCode::no_space || code == ErrorCode::storage_unusable; }

// After a failure, which is what the caller has to hear of, not that this failed too.
void try_to_remove_transfer(const CacheLayout& layout, const model::CacheKey& key) noexcept {
  try {
    remove_transfer(layout, key);
  } catch (const std::exception&) {
  }
}

// However a build ends: what is left then may be one more.
struct LimitAtEnd {
  ~LimitAtEnd() { limit_left_transfers(layout, key, most); }

  const CacheLayout& layout;
  const model::CacheKey& key;
  const Bytes most;
};

// Once more when the disk was full and others' left transfers could make room.
BaseFile making_room(const CacheLayout& layout, const model::CacheKey& key, const std::function<BaseFile()>& build) {
  try {
    return build();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::no_space || limit_left_transfers(layout, key, Bytes{0}).count == 0) throw;
  }
  return build();
}

}  // namespace

BaseFile BaseFileBuilder::build(const model::BaseFileSpec& spec, OpContext& op) {
  struct Chooser {
    BaseFileBuilder& builder;
    OpContext& op;
    BaseFile operator()(const model::ImageBase& image) const { return builder.build_image(image, op); }
    BaseFile operator()(const model::EphemeralBase& blank) const { return builder.build_ephemeral(blank, op); }
    BaseFile operator()(const model::SwapBase& blank) const { return builder.build_swap(blank, op); }
  };
  return with_context([&] { return "cannot prepare base file of " + model::describe(spec); },
                      [&] {
                        return std::visit(Chooser{*this, op}, spec);
                      });
}

BaseFile BaseFileBuilder::build_image(const model::ImageBase& image, OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  const LimitAtEnd limit{layout_, key, settings_.most_left_bytes.value_or(most_left_bytes(layout_))};
  try {
    BaseFile base = making_room(layout_, key, [&] { return fetch_and_publish(image, key, op); });
    remove_transfer(layout_, key);
    return base;
  } catch (const Error& error) {
    if (is_storage_failure(error.code())) try_to_remove_transfer(layout_, key);
    throw;
  }
}

BaseFile BaseFileBuilder::fetch_and_publish(const model::ImageBase& image, const model::CacheKey& key, OpContext& op) {
  FetchedImage fetched = fetch(image, key, op);
  try {
    return publish_fetched(std::move(fetched), image, key, op);
  } catch (const Error& error) {
    // Of whole and verified bytes it is a verdict: no later attempt would find anything else in them.
    if (error.code() == ErrorCode::image_unacceptable) try_to_remove_transfer(layout_, key);
    throw;
  }
}

BaseFile BaseFileBuilder::publish_fetched(FetchedImage fetched, const model::ImageBase& image,
                                          const model::CacheKey& key, OpContext& op) {
  InspectedImage inspected = InspectedImage::inspect(std::move(fetched), steps_.inspector, op);
  const InspectionVerdict verdict = inspected.verdict();

  const bool converts = settings_.force_raw_images && verdict.format != model::DiskFormat::raw;
  BaseFileRecord record =
      record_of(image.ref.shown(), converts ? model::DiskFormat::raw : verdict.format, verdict.virtual_size);
  record.source_format = verdict.format;
  record.source_digest = inspected.digest();

  if (verdict.format != model::DiskFormat::raw) steps_.converter.confirm(inspected.path(), verdict, op);
  StagedFile ready = converts ? convert(std::move(inspected), key, op) : std::move(inspected).take_file();
  return publish(std::move(ready), key, record, op);
}

FetchedImage BaseFileBuilder::fetch(const model::ImageBase& image, const model::CacheKey& key, OpContext& op) {
  const auto step = op.steps().measure("fetch");
  const model::ImageRecord known = steps_.source.describe(image.ref, op);
  const WantedDigests digests = wanted_digests(known, image.checksum, settings_.allow_md5);
  std::unique_ptr<Verification> verification = steps_.verifier.begin(known);
  const Unsynced unsynced = digests.expected.empty() && !verification ? Unsynced::distrusted : Unsynced::trusted;
  ImageStream stream(known, digests, StagedTransfer(layout_, key, image.ref.shown(), unsynced), steps_.inspector,
                     std::move(verification), op);
  fetch_verified(known, stream, op);
  return std::move(stream).finish();
}

// Bytes of several transfers that don't fit are no proof against the image: a server may have said that it still has
// the same bytes when it has others, or the disk may have lost some. So they are fetched once more, by one transfer:
// one damaged place that always breaks off would else spoil them for all others.
void BaseFileBuilder::fetch_verified(const model::ImageRecord& record, ImageStream& stream, OpContext& op) {
  try {
    steps_.source.fetch(record, stream, op);
    return stream.verify();
  } catch (const Error&) {
    if (!stream.refuted_mixture()) throw;
  }
  stream.mix_no_more();
  steps_.source.fetch(record, stream, op);
  stream.verify();
}

StagedFile BaseFileBuilder::convert(InspectedImage image, const model::CacheKey& key, OpContext& op) {
  const auto step = op.steps().measure("convert");
  StagedFile raw = StagedFile::reserve(layout_.converted(key));
  steps_.converter.to_raw(image.path(), image.verdict(), raw.path(), op);
  raw.adopt();
  std::move(image).take_file();  // and gone: nothing is left to be gone on with
  return raw;
}

BaseFile BaseFileBuilder::build_ephemeral(const model::EphemeralBase& ephemeral, OpContext& op) {
  const model::CacheKey key = model::key_of(ephemeral);
  const Bytes size = gibibytes(ephemeral.gibibytes);
  StagedFile file = blank_file(layout_.fetched(key), size);
  {
    const auto step = op.steps().measure("format");
    steps_.formatter.format_file_system(file.path(), ephemeral.file_system, kEphemeralLabel, op);
  }
  return publish(std::move(file), key, record_of(model::describe(ephemeral), model::DiskFormat::raw, size), op);
}

BaseFile BaseFileBuilder::build_swap(const model::SwapBase& swap, OpContext& op) {
  const model::CacheKey key = model::key_of(swap);
  const Bytes size = mebibytes(swap.mebibytes);
  StagedFile file = blank_file(layout_.fetched(key), size);
  {
    const auto step = op.steps().measure("format");
    steps_.formatter.format_swap(file.path(), op);
  }
  return publish(std::move(file), key, record_of(model::describe(swap), model::DiskFormat::raw, size), op);
}

BaseFile BaseFileBuilder::publish(StagedFile file, const model::CacheKey& key, const BaseFileRecord& record,
                                  OpContext& op) {
  op.check();
  const auto step = op.steps().measure("publish");
  // The record first: a visible base file is then never without one, and a record without its file means nothing.
  write_record(layout_, key, record, file.path());
  std::move(file).publish(layout_.base_file(key));
  const std::optional<BaseFile> base = BaseFile::find(layout_, key);
  if (!base) throw Error(ErrorCode::internal, "base file " + key.text() + " vanished while its lock was held");
  return *base;
}

BaseFile BaseFileBuilder::adopt(const model::ImageBase& image, OpContext& op) {
  const model::CacheKey key = model::key_of(image);
  const Path path = layout_.base_file(key);
  const InspectionVerdict verdict = [&] {
    const auto step = op.steps().measure("inspect");
    try {
      return inspect_inherited(path, op);
    } catch (Error& error) {
      error.add_context("cannot take over base file " + quote(path.native()));
      if (error.code() == ErrorCode::image_unacceptable) {
        error.set_hint("'basecache cache remove " + key.text() + "' makes the next request fetch the image");
      }
      throw;
    }
  }();
  write_record(layout_, key, record_of(image.ref.shown(), verdict.format, verdict.virtual_size), path);
  return BaseFile::find(layout_, key).value();
}

InspectionVerdict BaseFileBuilder::inspect_inherited(const Path& path, OpContext& op) {
  if (!boost::filesystem::is_regular_file(boost::filesystem::symlink_status(path))) {
    throw Error(ErrorCode::storage_unusable, "it is not a regular file")
        .set_hint("nothing was touched: move it away, and the next request fetches the image");
  }
  const UniqueFd file = open_file(path, O_RDONLY | O_NOFOLLOW);
  const std::unique_ptr<Inspection> inspection = steps_.inspector.begin();
  std::vector<std::byte> block(kInspectionBlock);
  off_t offset = 0;
  while (const std::size_t count = read_at(file.get(), block, offset, path)) {
    op.check();
    inspection->feed(std::span(block).first(count));
    offset += static_cast<off_t>(count);
  }
  const InspectionVerdict verdict =
      with_tables(inspection->finish(std::nullopt), steps_.inspector, path, op).require_safe();
  if (verdict.format != model::DiskFormat::raw) steps_.converter.confirm(path, verdict, op);
  return verdict;
}

}  // namespace basecache::cache
