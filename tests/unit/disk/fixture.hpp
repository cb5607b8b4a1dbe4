#pragma once

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/provision/disk_backend.hpp"
#include "backends/qemu/confined_qemu_img.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

namespace basecache::test {

// The code of the Error that body() throws; a body that throws none fails the test.
template <class Body>
Error error_of(Body body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  FAIL("nothing was thrown");
  return Error(ErrorCode::internal, "unreachable");
}

// A disk that stands there.
inline provision::DiskPlace at(const Path& disk) {
  return {.instance = {}, .disk = "disk", .staged = {}, .path = disk};
}

// A cache with base files that the test writes, and the place of one disk.
struct DiskBench {
  DiskBench() {
    make_directories(layout.record_directory());
    make_directories(place.staged.parent_path());
  }

  // Makes the bytes at path() a base file.
  cache::BaseFile base(model::DiskFormat format, Bytes virtual_size) {
    cache::BaseFileRecord record;
    record.origin = "test";
    record.format = format;
    record.virtual_size = virtual_size;
    cache::write_record(layout, key, record, path());
    boost::filesystem::permissions(path(), static_cast<boost::filesystem::perms>(0444));
    return cache::BaseFile::find(layout, key).value();
  }
  cache::BaseFile raw_base() { return base(model::DiskFormat::raw, sizes_of(path()).apparent); }

  // `size` with "beginning" at its beginning and "end" at its end, a hole between.
  cache::BaseFile sparse_base(Bytes size) {
    write_file(path(), "beginning");
    boost::filesystem::resize_file(path(), size.count - 3);
    run_tool({"sh", "-c", "printf end >> " + path().native()});
    return raw_base();
  }
  Path path() const { return layout.base_file(key); }

  sandbox::Sandbox sandbox;
  qemu::ConfinedQemuImg qemu_img{sandbox};

  ScratchDir dir;
  layout::CacheLayout layout{dir.path()};
  model::CacheKey key = model::CacheKey::for_image("test");
  provision::DiskPlace place{.instance = "9a2d629d-0000-4000-8000-000000000001",
                             .disk = "disk",
                             .staged = dir.path() / ".instance.part" / "disk",
                             .path = dir.path() / "instance" / "disk"};
  std::stop_source stop;
  std::vector<Progress> seen;
  OpContext op = test_operation(stop.get_token(), [this](const Progress& progress) { seen.push_back(progress); });
};

}  // namespace basecache::test
