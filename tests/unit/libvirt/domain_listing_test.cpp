#include "backends/libvirt/domain_listing.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

// libvirt's own test driver: the real library, whose node is a file.
const bool kLacksLibvirt = ::dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL) == nullptr;

std::string node_with(const std::string& content) {
  return "<node>" + content +
         "<pool "
         "type='dir'><name>pool</name><uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4567</uuid><target><path>/pools</path>"
         "</target><volume type='file'><name>v.qcow2</name><key>/pools/v.qcow2</key><capacity>1048576</capacity>"
         "<target><path>/pools/v.qcow2</path><format type='qcow2'/></target></volume></pool></node>";
}

std::string domain_of(const std::string& name, const std::string& uuid_end, const std::string& disks,
                      const std::string& state = "") {
  return "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>" + state + "<name>" + name +
         "</name><uuid>9a2d629d-0000-4000-8000-0000000000" + uuid_end +
         "</uuid><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>" + disks +
         "</devices></domain>";
}

std::string disk(const std::string& path, const std::string& device) {
  return "<disk type='file'><driver name='qemu' type='qcow2'/><source file='" + path + "'/><target dev='" + device +
         "'/></disk>";
}

struct Known {
  explicit Known(const std::string& node) {
    write_file(scratch / "node.xml", node);
    libvirt::list_domains("test://" + (scratch / "node.xml").native(),
                          [this](const domain::KnownDomain& domain) { domains.push_back(domain); });
  }
  std::vector<std::string> files(const std::string& name) const {
    std::vector<std::string> lines;
    for (const auto& domain : domains) {
      if (domain.name != name) continue;
      for (const auto& file : domain.files) lines.push_back(file.role + " " + file.path.native() + " " + file.format);
    }
    return lines;
  }
  ScratchDir scratch;
  std::vector<domain::KnownDomain> domains;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("all domains that libvirt knows are told, running or not, with volumes' paths" *
          doctest::skip(kLacksLibvirt)) {
  const std::string volume =
      "<disk type='volume'><driver type='qcow2'/><source pool='pool' volume='v.qcow2'/><target dev='vdb'/></disk>";
  const Known known(node_with(domain_of("on", "01", disk("/i/on", "vda") + volume) +
                              domain_of("off", "02", disk("/i/off", "vda"), "<test:runstate>5</test:runstate>")));
  CHECK(known.domains.size() == 2);
  CHECK(known.files("on") == Lines{"disk vda /i/on qcow2", "disk vdb /pools/v.qcow2 qcow2"});
  CHECK(known.files("off") == Lines{"disk vda /i/off qcow2"});
}

TEST_CASE("a volume that can't be found is an error that names domain, volume and pool" *
          doctest::skip(kLacksLibvirt)) {
  const auto error = error_of([] {
    Known(node_with(domain_of("web", "01",
                              "<disk type='volume'><source pool='pool' volume='lost'/><target dev='vda'/></disk>",
                              "<test:runstate>5</test:runstate>")));
  });
  CHECK(says(error, "domain 'web'"));
  CHECK(says(error, "volume 'lost' of storage pool 'pool'"));
}

TEST_CASE("a libvirt that can't be reached is an error with a hint" * doctest::skip(kLacksLibvirt)) {
  const auto error = error_of([] { libvirt::list_domains("qemu+unix:///system?socket=/dev/null", {}); });
  CHECK(says(error, "cannot connect to libvirt"));
  REQUIRE(error);
  CHECK(error->hint().find("domains = none") != std::string::npos);
  CHECK(says(error_of([] { libvirt::list_domains("words", {}); }), "cannot connect to libvirt at 'words'"));
}
