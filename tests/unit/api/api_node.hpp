#pragma once

#include <optional>
#include <string>

#include "agent/api/operations.hpp"
#include "agent/api/routes.hpp"
#include "agent/base/error.hpp"
#include "tests/unit/cache/fakes.hpp"
#include "tests/unit/provision/fake_injector.hpp"
#include "tests/unit/provision/fake_volumes.hpp"

namespace basecache::test {

// "Makes" a disk by writing its base's name into it.
class PlainDisk : public provision::DiskBackend {
 public:
  provision::MadeDisk create_disk(const provision::DiskPlace& place, std::optional<Bytes> size,
                                  const cache::BaseFile& base, OpContext&) override {
    write_file(place.staged, base.key().text());
    return {model::DiskFormat::raw, size.value_or(base.virtual_size())};
  }
  provision::MadeDisk grow_disk(const provision::DiskPlace&, std::optional<Bytes> size, OpContext&) override {
    return {model::DiskFormat::raw, size.value_or(Bytes{1})};
  }
  std::optional<provision::ExpectedDisk> expected(std::optional<model::DiskFormat>) const override {
    return provision::ExpectedDisk{};
  }
};

class PlainDrive : public provision::DriveWriter {
 public:
  void write_drive(const Path& file, const metadata::DriveContents&, OpContext&) override { write_file(file, "drive"); }
};

class NoChains : public prune::DiskChainReader {
 public:
  std::optional<prune::BackingFile> backing_file(const Path&, const std::string&) const override {
    return std::nullopt;
  }
};

// A whole agent behind its routes, with fakes for what reaches outside. `source.gate` holds a fetch half way.
struct ApiNode : FakeNode {
  ApiNode() : FakeNode("image bytes") {}

  PlainDisk disk;
  PlainDrive drive;
  NoChains chains;
  cache::Pins pins{layout};
  ScratchDir volume_scratch;
  FakeVolumes volumes{volume_scratch.path()};
  FakeInjector injector;
  provision::Backends backends{disk, disk, disk, volumes, drive, drive, injector};
  provision::Provisioner provisioner{images, backends, {}, false};
  provision::Instances instances{layout, backends};
  cache::DomainLeases domain_leases{layout};
  provision::DomainDisks domains{provisioner, domain_leases};
  prune::UseGraph uses{layout, chains};
  prune::Pruner pruner{images, pins, uses, {}};
  cache::ContentCheck content_check{layout, quarantine};
  std::vector<std::string> sandbox_lacks;
  api::Operations operations{{}};
  api::Routes routes{
      {images, pins, provisioner, instances, domains, pruner, content_check, quarantine, uses, sandbox_lacks},
      operations};
};

inline const std::string kInstance = "9a2d629d-0000-4000-8000-000000000001";
inline const std::string kImageUrl = "http://registry.example/image";
inline const std::string kPrecacheBody = R"({"image_ref":"http://registry.example/image"})";

}  // namespace basecache::test
