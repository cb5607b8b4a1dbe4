#pragma once

#include <algorithm>
#include <atomic>
#include <boost/filesystem/directory.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/fetch/image_decoder.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/fetch/image_source.hpp"
#include "agent/fetch/image_verifier.hpp"
#include "agent/model/base_file_spec.hpp"
#include "tests/unit/fetch/gate.hpp"

namespace basecache::test {

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline model::ImageBase image_base(std::string_view ref = "http://registry.example/image",
                                   std::optional<Digest> checksum = {}) {
  return {.ref = model::ImageRef::parse(ref, "image_ref"), .checksum = std::move(checksum)};
}

// The same image as a kernel or ramdisk.
inline model::ImageBase boot_file_base() {
  model::ImageBase base = image_base();
  base.use = model::ImageUse::boot_file;
  return base;
}

// One image under every ref, sent in two halves with a gate between them, or as much of them as isn't held yet.
class FakeSource : public fetch::ImageSource {
 public:
  explicit FakeSource(std::string image) : image_(std::move(image)) {}

  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override {
    if (in_describe) in_describe(op);
    return {.ref = ref,
            .name = "fake",
            .disk_format = declared,
            .size = size,
            .digest = promised,
            .properties = properties};
  }
  void fetch(const model::ImageRecord&, fetch::ImageSink& sink, OpContext& op) override {
    ++fetches;
    if (!damaged_place.empty()) {
      const std::size_t from = begin_transfer(sink);
      const std::size_t half = damaged_place.size() / 2;
      if (from < half) sink.write(bytes_of(damaged_place).subspan(from, half - from));
    }
    const std::size_t begin = begin_transfer(sink);
    const std::size_t middle = std::max(begin, image_.size() / 2);
    sink.write(bytes_of(image_).subspan(begin, middle - begin));
    gate.pass(op);
    if (in_the_middle) in_the_middle(op);
    if (op.transfers().token.reveal() == refused_token) throw Error(refusal, "token refused");
    if (fails) throw Error(failure, "the fake source broke off");
    sink.write(bytes_of(image_).subspan(middle));
  }

  void replace(std::string image) { image_ = std::move(image); }

  std::optional<std::string> declared;
  std::optional<Bytes> size;
  std::optional<Digest> promised;
  std::map<std::string, std::string> properties;
  std::function<void(OpContext&)> in_describe;
  std::string version;        // as Transfer's
  std::string damaged_place;  // is asked first, breaks off half way, and this is what it has of the image
  bool fails = false;
  ErrorCode failure = ErrorCode::source_unavailable;
  std::string refused_token = "refused";
  ErrorCode refusal = ErrorCode::source_unauthorized;
  std::function<void(OpContext&)> in_the_middle;
  std::atomic<int> fetches = 0;
  std::vector<std::size_t> began_at;  // each fetch's first byte
  Gate gate;

 private:
  std::size_t begin_transfer(fetch::ImageSink& sink) {
    const auto held = sink.held();
    const bool same = held && held->transfer.version == version;
    if (!same) sink.start({.size = Bytes{image_.size()}, .version = version});
    began_at.push_back(same ? held->count.count : 0);
    return began_at.back();
  }

  std::string image_;
};

// "QFI..." is qcow2, "ZIP..." a kernel or ramdisk only, what begins with `refused` is refused, everything else raw.
class FakeInspector : public fetch::ImageInspector {
 public:
  unsigned rules() const override { return version; }
  std::unique_ptr<fetch::Inspection> begin() const override {
    ++inspections;
    return std::make_unique<Look>(*this);
  }
  std::vector<fetch::Finding> check_tables(const Path&, model::DiskFormat, const OpContext&) const override {
    return {};
  }

  unsigned version = 1;
  std::string refused = "BAD";
  std::function<void()> in_feed;
  mutable std::atomic<int> inspections = 0;

 private:
  class Look : public fetch::Inspection {
   public:
    explicit Look(const FakeInspector& inspector) : inspector_(inspector) {}
    void feed(std::span<const std::byte> bytes) override {
      if (inspector_.in_feed) inspector_.in_feed();
      for (const std::byte byte : bytes) {
        if (start_.size() < 3) start_.push_back(static_cast<char>(byte));
      }
      count_ += bytes.size();
    }
    fetch::InspectionReport finish(const std::optional<std::string>&, model::ImageUse use) override {
      const model::DiskFormat format = start_ == "QFI" ? model::DiskFormat::qcow2 : model::DiskFormat::raw;
      fetch::InspectionReport report{.format = std::string(model::qemu_name(format)),
                                     .verdict = {format, {count_}, false}};
      const bool boots = use == model::ImageUse::boot_file;
      report.verdict.is_boot_file_only = boots && start_ == "ZIP";
      if (start_ == inspector_.refused || start_ == (boots ? "QFI" : "ZIP"))
        report.findings.push_back({"fake", "the fake inspector refuses", "take another one"});
      return report;
    }

   private:
    const FakeInspector& inspector_;
    std::string start_;
    std::size_t count_ = 0;
  };
};

// Wants the bytes to be `signed_bytes`, when that isn't empty.
class FakeVerifier : public fetch::ImageVerifier {
 public:
  std::unique_ptr<fetch::Verification> begin(const model::ImageRecord&) const override {
    return signed_bytes.empty() ? nullptr : std::make_unique<Check>(signed_bytes);
  }

  std::string signed_bytes;

 private:
  class Check : public fetch::Verification {
   public:
    explicit Check(std::string expected) : expected_(std::move(expected)) {}
    void update(std::span<const std::byte> bytes) override {
      seen_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    void restart() override { seen_.clear(); }
    void finish() override {
      if (seen_ != expected_) throw Error(ErrorCode::checksum_mismatch, "the fake signature is of other bytes");
    }

   private:
    std::string expected_;
    std::string seen_;
  };
};

// Decodes nothing unless it has a `disk`: then any image is decoded to that, at the end.
class FakeDecoder : public fetch::ImageDecoder {
 public:
  std::optional<Bytes> size_of(std::span<const std::byte>) const override {
    return disk ? std::optional(Bytes{disk->size()}) : std::nullopt;
  }
  std::unique_ptr<fetch::Decoding> begin(std::span<const std::byte> bytes, int, int raw_disk,
                                         const OpContext&) const override {
    beginnings.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!disk) return nullptr;
    return std::make_unique<Making>(*this, raw_disk);
  }

  std::optional<std::string> disk;
  std::optional<Bytes> told_size;  // other than the disk's
  std::optional<Error> failure;
  std::function<void()> at_end;                 // of each decoding
  mutable std::vector<std::string> beginnings;  // that it was asked about
  mutable std::vector<Bytes> arrivals;

 private:
  class Making : public fetch::Decoding {
   public:
    Making(const FakeDecoder& decoder, int raw_disk) : decoder_(decoder), raw_disk_(raw_disk) {}
    ~Making() override {
      if (decoder_.at_end) decoder_.at_end();
    }
    void arrived(Bytes length) override { decoder_.arrivals.push_back(length); }
    fetch::DecodedDisk finish(OpContext&) override {
      if (decoder_.failure) throw *decoder_.failure;
      write_all(raw_disk_, bytes_of(*decoder_.disk), "the raw disk");
      fetch::DecodedDisk made{.size = decoder_.told_size.value_or(Bytes{decoder_.disk->size()})};
      made.sum.add(bytes_of(*decoder_.disk), 0);
      return made;
    }

   private:
    const FakeDecoder& decoder_;
    int raw_disk_;
  };
};

inline std::vector<std::string> names_in(const Path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : boost::filesystem::directory_iterator(directory)) {
    names.push_back(entry.path().filename().native());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace basecache::test
