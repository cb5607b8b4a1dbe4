#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <string>

#include "agent/base/posix_file.hpp"
#include "backends/lvm/dm_crypt.hpp"
#include "backends/lvm/volume_writer.hpp"
#include "tests/lvm/real_group.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/tool.hpp"

using namespace basecache;
using namespace basecache::lvm;
using namespace basecache::test;

namespace {

constexpr Bytes kSize = mebibytes(8);
const std::string kKey = "6a2c0a6e-1f0e-4b5e-8d43-0c5ff1f7c9b1";
const std::string kOtherKey = "7b3d1b7f-2a1f-4c6f-9e54-1d6aa2a8daa2";

struct EncryptedDisk {
  EncryptedDisk() {
    write_key(kKey, 'k');
    write_key(kOtherKey, 'o');
    write_file(dir / "base", text);
  }
  ~EncryptedDisk() { CHECK_NOTHROW(DmCrypt::close(name, real.op())); }

  void write_key(const std::string& id, char letter) {
    write_file(dir / id, std::string(64, letter));
    REQUIRE(::chmod((dir / id).c_str(), 0400) == 0);
  }
  Path open(const std::string& key = kKey) { return crypt.open(name, volume.device, key, real.op()); }
  void write() {
    write_volume(
        {dir / "base", {text.size()}}, {open(), Unwritten::unknown}, [](Bytes) {}, real.op());
  }
  std::string plain() const { return read_device(DmCrypt::device_of(name), kSize); }
  std::string stored() const { return read_device(volume.device, kSize); }

  RealGroup real;
  ScratchDir dir;
  const std::string name = name_of_disk("disk");
  const std::string text = std::string(mebibytes(1).count, 't');
  Volume volume = real.create(name, kSize);
  DmCrypt crypt{{.key_directory = dir.path()}};
};

}  // namespace

TEST_CASE("an encrypted volume shows its disk while it is open, and noise below") {
  EncryptedDisk disk;
  disk.write();
  CHECK(disk.plain() == disk.text + std::string(kSize.count - disk.text.size(), '\0'));
  CHECK(disk.stored().find("tttttttt") == std::string::npos);
  CHECK(disk.stored().find(std::string(512, '\0')) == std::string::npos);
}

TEST_CASE("the same key opens it again, another one shows noise") {
  EncryptedDisk disk;
  disk.write();
  const std::string written = disk.plain();
  DmCrypt::close(disk.name, disk.real.op());
  CHECK_FALSE(boost::filesystem::exists(DmCrypt::device_of(disk.name)));
  disk.open();
  CHECK(disk.plain() == written);
  DmCrypt::close(disk.name, disk.real.op());
  disk.open(kOtherKey);
  CHECK(disk.plain().find("tttttttt") == std::string::npos);
}

TEST_CASE("what Nova's command opens is the same disk") {
  EncryptedDisk disk;
  disk.write();
  const std::string written = disk.plain();
  DmCrypt::close(disk.name, disk.real.op());
  std::string digits;
  for (int i = 0; i < 64; ++i) digits += "6b";  // 'k'
  run_tool({"sh", "-c",
            "printf %s " + digits + " | cryptsetup create " + disk.name + "-dmcrypt " + disk.volume.device.native() +
                " --cipher=aes-xts-plain64 --key-size=512 --key-file=-"});
  CHECK(disk.plain() == written);
}

TEST_CASE("a volume takes its final name while it is open") {
  EncryptedDisk disk;
  const std::string final_name = name_of_disk("disk.eph0");
  disk.write();
  disk.real.group().rename(disk.name, final_name, disk.real.op());
  CHECK(disk.plain().starts_with(disk.text));
  CHECK(code_of([&] { disk.real.group().remove(final_name, disk.real.op()); }) == ErrorCode::in_use);
  DmCrypt::close(disk.name, disk.real.op());
  CHECK_NOTHROW(disk.real.group().remove(final_name, disk.real.op()));
}

TEST_CASE("a volume is opened once, closed twice, and not while a guest uses it") {
  EncryptedDisk disk;
  const Path device = disk.open();
  CHECK(code_of([&] { disk.open(); }) == ErrorCode::already_exists);
  CHECK_FALSE(DmCrypt::is_used(disk.name));
  {
    const UniqueFd guest = open_file(device, O_RDWR);
    CHECK(DmCrypt::is_used(disk.name));
    CHECK(code_of([&] { DmCrypt::close(disk.name, disk.real.op()); }) == ErrorCode::in_use);
  }
  DmCrypt::close(disk.name, disk.real.op());
  CHECK_FALSE(DmCrypt::is_used(disk.name));
  CHECK_NOTHROW(DmCrypt::close(disk.name, disk.real.op()));
}
