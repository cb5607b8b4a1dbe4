#pragma once

#include <memory>

#include "agent/base/op_context.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/blank_formatter.hpp"
#include "agent/cache/image_converter.hpp"
#include "agent/cache/refusals.hpp"
#include "agent/fetch/fetched_image.hpp"
#include "agent/fetch/image_decoder.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/fetch/image_verifier.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::fetch {
class ImageStream;
struct WantedDigests;
}  // namespace basecache::fetch

namespace basecache::cache {

class BuildRoom;
class Reservations;

// Who does each step of a build.
struct BuildSteps {
  fetch::ImageSource& source;
  const fetch::ImageInspector& inspector;
  const fetch::ImageVerifier& verifier;
  const fetch::ImageDecoder& decoder;  // on the way
  ImageConverter& converter;           // of what it doesn't know, afterwards
  BlankFormatter& formatter;
};

struct BuildSettings {
  bool force_raw_images = true;  // what isn't raw becomes raw; else it is published as it came
  bool allow_md5 = false;        // a promised md5 is kept as what tells the bytes from others; it is always verified
  std::optional<Bytes> most_left_bytes = {};  // that broken transfers may hold; none: a tenth of the file system
  Reservations* reservations = nullptr;       // null: nothing is reserved; outlives the builder
};

// Makes one base file: fetch -> verify -> inspect -> convert -> publish, or format -> publish. A kernel or ramdisk is
// never decoded nor converted.
// The caller holds the exclusive lock of the key. Whatever fails, no staged file stays behind but one: what a transfer
// brought, with its journal, until a later build goes on with it, the bytes prove bad or the storage can't hold them.
// What a source says of an image is no proof against bytes that are here. What all broken transfers left is limited
// (left_transfers.hpp); a build that meets a full disk removes what others left and tries once more.
// Room is reserved before it is taken (build_room.hpp).
// An image that was refused for what its bytes are isn't fetched again while its source's record stays (refusals.hpp).
class BaseFileBuilder {
 public:
  BaseFileBuilder(const layout::CacheLayout& layout, BuildSteps steps, BuildSettings settings)
      : layout_(layout), steps_(steps), settings_(settings), refusals_(layout) {}

  // `known`: what the image's source has said of it, not to be asked again; may be null.
  using Known = std::shared_ptr<const model::ImageRecord>;

  BaseFile build(const model::BaseFileSpec& spec, OpContext& op, const Known& known = {});

  // What the source of the image says of it. Errors of ImageSource::describe(); Error(image_unacceptable) when it says
  // more than can be kept.
  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op);

  // A visible base file without a record, inherited from Nova: inspected as if it had just been fetched, but for its
  // source's digest, which nobody knows any more.
  BaseFile adopt(const model::ImageBase& image, OpContext& op, const Known& known = {});

  // What the inspector finds today in the bytes that a base file was made from.
  struct SourceReport {
    bool same = false;                  // the source still has those bytes
    std::optional<Error> refusal = {};  // what is wrong with the bytes that it has
  };
  // Fetches, verifies and inspects what the image's source has now, and makes nothing of it. Error when it can't be
  // fetched whole and verified, or when something else than the bytes is in the way.
  SourceReport inspect_source(const model::ImageBase& image, const std::optional<Digest>& made_from, OpContext& op);

 private:
  BaseFile build_image(const model::ImageBase& image, const Known& known, OpContext& op);
  BaseFile build_ephemeral(const model::EphemeralBase& ephemeral, OpContext& op);
  BaseFile build_swap(const model::SwapBase& swap, OpContext& op);

  fetch::InspectedImage fetch_safe(const model::ImageBase& image, const Known& known, const model::CacheKey& key,
                                   BuildRoom& room, OpContext& op);
  fetch::InspectedImage inspect(fetch::FetchedImage fetched, model::ImageUse use, OpContext& op);
  SourceReport fetch_and_inspect(const model::ImageBase& image, const std::optional<Digest>& made_from,
                                 const model::CacheKey& key, OpContext& op);
  BaseFile fetch_and_publish(const model::ImageBase& image, const Known& known, const model::CacheKey& key,
                             OpContext& op);
  std::optional<RefusedImage> refusable_image(const model::ImageRecord& known, model::ImageUse use) const;
  fetch::FetchedImage fetch(const model::ImageRecord& known, const fetch::WantedDigests& digests,
                            const model::CacheKey& key, std::optional<fetch::StreamedDisk> disk, BuildRoom& room,
                            OpContext& op);
  fetch::InspectedImage accept(fetch::FetchedImage fetched, model::ImageUse use, const model::CacheKey& key,
                               const std::optional<RefusedImage>& refusable, OpContext& op);
  void bring(const model::ImageRecord& record, fetch::ImageStream& stream, BuildRoom& room, OpContext& op);
  void fetch_verified(const model::ImageRecord& record, fetch::ImageStream& stream, BuildRoom& room, OpContext& op);
  BaseFile publish_image(fetch::InspectedImage inspected, const model::ImageBase& image, const model::CacheKey& key,
                         BuildRoom& room, OpContext& op);
  void confirm(const fetch::InspectedImage& image, OpContext& op);
  fetch::SummedFile convert(fetch::InspectedImage image, const model::CacheKey& key, BuildRoom& room, OpContext& op);
  BaseFile publish(fetch::SummedFile made, const model::CacheKey& key, BaseFileRecord record, OpContext& op);

  const layout::CacheLayout& layout_;
  BuildSteps steps_;
  BuildSettings settings_;
  Refusals refusals_;
};

}  // namespace basecache::cache
