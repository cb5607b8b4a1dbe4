#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <span>
#include <string>

#include "agent/base/posix_file.hpp"
#include "backends/lvm/volume_clear.hpp"
#include "backends/lvm/volume_writer.hpp"
#include "tests/lvm/real_group.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr Bytes kSize = mebibytes(16);
constexpr Bytes kBaseSize = mebibytes(8);

// A base file with a hole at its beginning, data, and a hole at its end.
struct Base {
  Base() {
    write_file(path, "");
    boost::filesystem::resize_file(path, kBaseSize.count);
    const UniqueFd fd = open_file(path, O_WRONLY);
    const std::string written(mebibytes(2).count, 'd');
    write_all_at(fd.get(), std::as_bytes(std::span(written)), mebibytes(2).count, path);
  }

  ScratchDir dir;
  Path path = dir / "base";
};

const std::string kExpected = std::string(mebibytes(2).count, '\0') + std::string(mebibytes(2).count, 'd') +
                              std::string(mebibytes(12).count, '\0');

void write(const Base& base, const Volume& volume, const OpContext& op) {
  write_volume(
      {base.path, kBaseSize}, {volume.device, volume.unwritten}, [](Bytes) {}, op);
}

bool holds(const Volume& volume, char letter) {
  return read_device(volume.device, volume.size).find(std::string(4096, letter)) != std::string::npos;
}

}  // namespace

TEST_CASE("a linear volume shows its base file and zeros, nothing of who had the space before") {
  const RealGroup real;
  real.soil(kSize, 'x');
  const Volume volume = real.create(name_of_disk("disk"), kSize);
  REQUIRE(holds(volume, 'x'));  // else this test shows nothing
  write(Base(), volume, real.op());
  CHECK(read_device(volume.device, kSize) == kExpected);
}

TEST_CASE("a thin volume shows its base file and zeros, and takes space for its data only where its pool zeroes") {
  for (const bool zeroes : {true, false}) {
    CAPTURE(zeroes);
    const RealGroup real(Allocation::thin);
    real.make_pool(mebibytes(32), zeroes ? "--zero=y" : "--zero=n");
    real.soil(kSize, 'x');
    const Bytes before = real.group().find(RealGroup::kPool, real.op())->free;
    const Volume volume = real.create(name_of_disk("disk"), kSize, mebibytes(2));
    write(Base(), volume, real.op());
    CHECK(read_device(volume.device, kSize) == kExpected);
    const Bytes taken = before - real.group().find(RealGroup::kPool, real.op())->free;
    CHECK((taken < mebibytes(4)) == zeroes);
    real.group().remove(volume.name, real.op());
  }
}

TEST_CASE("a sparse volume shows its base file and zeros") {
  const RealGroup real(Allocation::sparse);
  const Volume volume = real.create(name_of_disk("disk"), kSize, mebibytes(2));
  write(Base(), volume, real.op());
  CHECK(read_device(volume.device, kSize) == kExpected);
}

TEST_CASE("a sparse volume has room for a base file larger than 64 MiB when that is told, else the loss is noticed") {
  const RealGroup real(Allocation::sparse);
  const ScratchDir dir;
  const Bytes large = mebibytes(72);
  write_file(dir / "base", std::string(large.count, 'd'));
  const RawBase base{dir / "base", large};
  const Volume roomy = real.create(name_of_disk("disk"), large, large);
  CHECK_NOTHROW(write_volume(
      base, {roomy.device, roomy.unwritten}, [](Bytes) {}, real.op()));
  real.group().remove(roomy.name, real.op());
  const Volume tight = real.create(name_of_disk("disk"), large);
  CHECK(error_of([&] {
    write_volume(
        base, {tight.device, tight.unwritten}, [](Bytes) {}, real.op());
  }));
  CHECK(real.group().find(tight.name, real.op())->is_broken);
}

TEST_CASE("a pool that runs full while a volume is written is noticed") {
  const RealGroup real(Allocation::thin);
  real.make_pool(mebibytes(8), "--zero=y");
  const ScratchDir dir;
  write_file(dir / "base", std::string(kSize.count, 'd'));
  const Volume volume = real.create(name_of_disk("disk"), kSize);
  const auto error = code_of([&] {
    write_volume(
        {dir / "base", kSize}, {volume.device, volume.unwritten}, [](Bytes) {}, real.op());
  });
  CHECK((error == ErrorCode::no_space || error == ErrorCode::storage_unusable));
}

TEST_CASE("what is cleared before it is removed is nowhere in the next volume") {
  for (const ClearMethod method : {ClearMethod::none, ClearMethod::zero, ClearMethod::shred}) {
    CAPTURE(static_cast<int>(method));
    const RealGroup real;
    const Volume first = real.create(name_of_disk("disk"), kSize);
    fill_device(first.device, kSize, 's');
    clear_volume(
        first.device, first.unwritten, {.method = method}, [](Bytes) {}, real.op());
    real.group().remove(first.name, real.op());
    const Volume next = real.create(name_of_disk("disk"), kSize);
    CHECK(holds(next, 's') == (method == ClearMethod::none));
    CHECK((read_device(next.device, kSize) == std::string(kSize.count, '\0')) == (method == ClearMethod::zero));
  }
}

TEST_CASE("clearing a volume that is mostly unwritten takes no space from its pool") {
  const RealGroup real(Allocation::thin);
  real.make_pool(mebibytes(8), "--zero=y");
  const Volume volume = real.create(name_of_disk("disk"), mebibytes(64));
  fill_device(volume.device, mebibytes(2), 's');
  const Bytes before = real.group().find(RealGroup::kPool, real.op())->free;
  clear_volume(
      volume.device, volume.unwritten, {.method = ClearMethod::shred}, [](Bytes) {}, real.op());
  CHECK(real.group().find(RealGroup::kPool, real.op())->free == before);
  CHECK_FALSE(holds(volume, 's'));
}
