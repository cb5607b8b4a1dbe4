#include <doctest/doctest.h>
#include <fcntl.h>

#include <boost/filesystem/operations.hpp>
#include <future>
#include <string>

#include "agent/base/posix_file.hpp"
#include "backends/lvm/volume_device.hpp"
#include "backends/lvm/volume_group.hpp"
#include "backends/lvm/volume_growth.hpp"
#include "tests/lvm/real_group.hpp"
#include "tests/support/failure.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

TEST_CASE("a linear volume is as large as was asked, in whole extents, and is where it says") {
  const RealGroup real;
  const Volume made = real.create(name_of_disk("disk"), mebibytes(9));
  CHECK(made.kind == VolumeKind::linear);
  CHECK(made.size == mebibytes(12));
  CHECK(made.unwritten == Unwritten::unknown);
  CHECK_FALSE(made.is_open);
  CHECK(VolumeDevice(made.device).size() == mebibytes(12));
  CHECK(real.group().find(made.name, real.op()) == made);
  CHECK(code_of([&] { real.create(made.name, mebibytes(4)); }) == ErrorCode::already_exists);
}

TEST_CASE("a volume takes its final name, unless another has it") {
  const RealGroup real;
  const std::string staged = name_of_disk("disk.eph0", true);
  real.create(staged, mebibytes(4));
  real.group().rename(staged, name_of_disk("disk.eph0"), real.op());
  CHECK_FALSE(real.group().find(staged, real.op()));
  CHECK(boost::filesystem::exists(real.group().find(name_of_disk("disk.eph0"), real.op())->device));
  real.create(staged, mebibytes(4));
  CHECK(code_of([&] { real.group().rename(staged, name_of_disk("disk.eph0"), real.op()); }) ==
        ErrorCode::already_exists);
}

TEST_CASE("a volume is removed once nobody has it open, and a second time too") {
  const RealGroup real;
  const Volume made = real.create(name_of_disk("disk"), mebibytes(4));
  {
    const UniqueFd guest = open_file(made.device, O_RDWR);
    CHECK(real.group().find(made.name, real.op())->is_open);
    CHECK(code_of([&] { real.group().remove(made.name, real.op()); }) == ErrorCode::in_use);
  }
  real.group().remove(made.name, real.op());
  CHECK_FALSE(real.group().find(made.name, real.op()));
  CHECK_FALSE(boost::filesystem::exists(made.device));
  CHECK_NOTHROW(real.group().remove(made.name, real.op()));
}

TEST_CASE("a full group says what is needed and what is free, and nothing is made") {
  const RealGroup real;
  const auto error = error_of([&] { real.create(name_of_disk("disk"), gibibytes(2)); });
  REQUIRE(error);
  CHECK(error->code() == ErrorCode::no_space);
  CHECK(says(error, "2 GiB (2147483648 bytes)"));
  CHECK(says(error, "1020 MiB (1069547520 bytes) are free"));
  CHECK(real.group().volumes(real.op()).empty());
}

TEST_CASE("a group that isn't there is told by its name") {
  const RealGroup real;
  const VolumeGroup missing({"basecache-no-such-group"});
  const OpContext& op = real.op();
  for (const auto& error :
       {error_of([&] { missing.volumes(op); }), error_of([&] { missing.remove("v", op); }), error_of([&] {
          missing.create({"v", mebibytes(4), {}}, op);
        })}) {
    REQUIRE(error);
    CAPTURE(error->message());
    CHECK(error->code() == ErrorCode::storage_unusable);
    CHECK(error->hint().find("images_volume_group") != std::string::npos);
  }
}

TEST_CASE("a sparse volume has its virtual size, reads as zeros, and stays one under its final name") {
  const RealGroup real(Allocation::sparse);
  const std::string staged = name_of_disk("disk", true);
  const Volume made = real.create(staged, gibibytes(4));
  CHECK(made.kind == VolumeKind::sparse);
  CHECK(made.size == gibibytes(4));
  CHECK(made.unwritten == Unwritten::zeros);
  CHECK(VolumeDevice(made.device).size() == gibibytes(4));
  CHECK(read_device(made.device, mebibytes(1)) == std::string(mebibytes(1).count, '\0'));
  real.group().rename(staged, name_of_disk("disk"), real.op());
  CHECK(real.group().find(name_of_disk("disk"), real.op())->kind == VolumeKind::sparse);
  real.group().remove(name_of_disk("disk"), real.op());
  CHECK(real.group().volumes(real.op()).empty());
}

TEST_CASE("a thin volume comes from its pool, and reads as zeros where the pool zeroes") {
  for (const bool zeroes : {true, false}) {
    CAPTURE(zeroes);
    const RealGroup real(Allocation::thin);
    real.make_pool(mebibytes(32), zeroes ? "--zero=y" : "--zero=n");
    // Where it doesn't, all of a volume is going to be written.
    const Bytes size = zeroes ? gibibytes(4) : mebibytes(24);
    const Volume made = real.create(name_of_disk("disk"), size, mebibytes(8));
    CHECK(made.kind == VolumeKind::thin);
    CHECK(made.size == size);
    CHECK(made.unwritten == (zeroes ? Unwritten::zeros : Unwritten::unknown));
    CHECK(real.group().find(RealGroup::kPool, real.op())->free > mebibytes(24));
    CHECK(code_of([&] { real.create(name_of_disk("disk.eph0"), gibibytes(4), mebibytes(zeroes ? 33 : 1)); }) ==
          ErrorCode::no_space);
    real.group().remove(made.name, real.op());
  }
}

TEST_CASE("volumes are made for two instances at the same time") {
  const RealGroup real;
  const auto makes = [&real](const std::string& disk) {
    return std::async(std::launch::async, [&real, disk] { return real.create(name_of_disk(disk), mebibytes(8)); });
  };
  auto one = makes("disk");
  auto other = makes("disk.local");
  CHECK(one.get().size == mebibytes(8));
  CHECK(other.get().size == mebibytes(8));
  CHECK(real.group().volumes(real.op()).size() == 2);
}

TEST_CASE("without its thin pool nothing is made") {
  const RealGroup real(Allocation::thin);
  const auto error = error_of([&] { real.create(name_of_disk("disk"), mebibytes(4)); });
  CHECK(says(error, "'pool'"));
  CHECK(error->code() == ErrorCode::storage_unusable);
}

TEST_CASE("what a linear volume grows by is zeros, whatever another tenant left there") {
  const RealGroup real;
  real.soil(mebibytes(16), 'x');
  const Volume made = real.create(name_of_disk("disk"), mebibytes(4));
  fill_device(made.device, mebibytes(4), 'm');
  const Volume grown = grow_volume(
      real.group(), made, mebibytes(16), [](Bytes) {}, real.op());
  CHECK(grown.size == mebibytes(16));
  CHECK(read_device(grown.device, mebibytes(16)) ==
        std::string(mebibytes(4).count, 'm') + std::string(mebibytes(12).count, '\0'));
  CHECK(real.group().find(made.name, real.op())->tags.empty());
}

TEST_CASE("a growth that ended before its zeros is finished by the next one") {
  const RealGroup real;
  real.soil(mebibytes(8), 'x');
  const Volume made = real.create(name_of_disk("disk"), mebibytes(4));
  const std::string hidden = made.name + ".growing";
  real.group().rename(made.name, hidden, real.op());
  real.group().add_tag(hidden, "basecache.own=4194304", real.op());
  const Volume extended = real.group().extend(real.group().required(hidden, real.op()), mebibytes(8), real.op());
  REQUIRE(read_device(extended.device, mebibytes(8)).ends_with('x'));
  const Volume grown = grow_volume(
      real.group(), extended, mebibytes(8), [](Bytes) {}, real.op());
  CHECK(grown.name == made.name);
  CHECK(read_device(grown.device, mebibytes(8)).substr(mebibytes(4).count) == std::string(mebibytes(4).count, '\0'));
}
