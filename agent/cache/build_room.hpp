#pragma once

#include <functional>
#include <optional>

#include "agent/cache/reservations.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::cache {

// The room that the build of one base file needs, reserved as soon as it is known: the image's declared size before its
// transfer, its disk's size once its header has come.
class BuildRoom {
 public:
  // Without `reservations` nothing is reserved. `what`: for errors.
  BuildRoom(Reservations* reservations, const layout::CacheLayout& layout, const model::CacheKey& key,
            std::string what);

  // Before a byte is asked for. Error(no_space), of a raw image only with limits set: most are sparse.
  void expect_image(const model::ImageRecord& record, const OpContext& op);
  // A second file, made of the image. Error(no_space) only with limits set: most disks are sparse. Else room is made
  // for twice the image at most.
  void expect_disk(Bytes virtual_size, const OpContext& op);
  // Of a file system or swap space of that size.
  void expect_blank(Bytes size, const OpContext& op);
  // The image is all here.
  void arrived();
  // Nothing more will be written.
  void made();

  // On the way to `sink`: what arrives is reserved, where nobody declared how much it would be, in growing steps.
  class Sink : public fetch::ImageSink {
   public:
    // All outlive it.
    Sink(BuildRoom& room, fetch::ImageSink& sink, const OpContext& op) : room_(room), sink_(sink), op_(op) {}

    std::optional<fetch::HeldBytes> held() override;
    void start(const fetch::Transfer& transfer) override;
    void write(std::span<const std::byte> bytes) override;
    void verify() override { sink_.verify(); }

   private:
    BuildRoom& room_;
    fetch::ImageSink& sink_;
    const OpContext& op_;
    Bytes received_ = {};
  };

 private:
  using Certainty = Reservations::Certainty;
  void want_image(Bytes size, const OpContext& op);
  void want_more(Bytes received, const OpContext& op);

  const Path image_;
  const Path disk_;
  const bool limits_are_set_;
  bool may_be_sparse_ = false;
  bool stays_where_it_is_ = false;  // a file of this node, which may be decoded from there
  std::optional<Bytes> declared_ = {};
  Bytes image_size_ = {};
  std::optional<Reservations::Reservation> own_;
};

}  // namespace basecache::cache
