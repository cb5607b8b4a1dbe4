#include "agent/domain/domain_files.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::domain;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

std::string domain_with(const std::string& devices, const std::string& os = "") {
  return "<domain type='kvm' id='3'><name>web01</name><uuid>4E3F6D0C-5D3A-4B0E-9A53-2F6D1C7B8A90</uuid><os>" + os +
         "</os><devices>" + devices + "</devices></domain>";
}

// "ROLE|PATH|FORMAT" each.
std::vector<std::string> files_of(const std::string& xml, const VolumePath& volumes = {}) {
  std::vector<std::string> lines;
  for (const DomainFile& file : known_domain(xml, volumes).files) {
    lines.push_back(file.role + "|" + file.path.native() + "|" + file.format);
  }
  return lines;
}

ErrorCode refusal_of(const std::string& xml) {
  try {
    known_domain(xml);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a domain has its name, its uuid in lower case, and no files where it has no disks") {
  const KnownDomain known = known_domain(domain_with(""));
  CHECK(known.name == "web01");
  CHECK(known.uuid == kUuid);
  CHECK(known.files.empty());
}

TEST_CASE("each kind of device names its files, with the format that the domain says") {
  struct Row {
    const char* what;
    std::string xml;
    Lines files;
  };
  const std::vector<Row> rows{
      {"a file",
       "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/i/disk'/><target dev='vda'/></disk>",
       {"disk vda|/i/disk|qcow2"}},
      {"a format left open",
       "<disk type='file'><source file='/i/disk'/><target dev='vda'/></disk>",
       {"disk vda|/i/disk|"}},
      {"a block device",
       "<disk type='block'><driver type='raw'/><source dev='/dev/vg/lv'/><target dev='vdb'/></disk>",
       {"disk vdb|/dev/vg/lv|raw"}},
      {"a drive without a medium", "<disk type='file' device='cdrom'><target dev='sda'/></disk>", {}},
      {"a floppy",
       "<disk type='file' device='floppy'><driver type='raw'/><source file='/i/f'/><target dev='fda'/></disk>",
       {"disk fda|/i/f|raw"}},
      {"a disk in a network",
       "<disk type='network'><source protocol='rbd' name='a/b'><host name='h'/></source><target dev='vda'/></disk>",
       {}},
      {"a chain that libvirt knows",
       "<disk type='file'><driver type='qcow2'/><source file='/i/s2' index='1'/><backingStore type='file' index='2'>"
       "<format type='qcow2'/><source file='/i/s1'/><backingStore type='block'><format type='raw'/><source "
       "dev='/dev/x'/><backingStore/></backingStore></backingStore><target dev='vda'/></disk>",
       {"disk vda|/i/s2|qcow2", "disk vda|/i/s1|qcow2", "disk vda|/dev/x|raw"}},
      {"a running copy",
       "<disk type='file'><driver type='qcow2'/><source file='/i/a'/><mirror type='file' job='copy'><format "
       "type='qcow2'/><source file='/i/b'/><backingStore type='file'><format type='raw'/><source file='/i/base'/>"
       "</backingStore></mirror><target dev='vda'/></disk>",
       {"disk vda|/i/a|qcow2", "mirror of disk vda|/i/b|qcow2", "mirror of disk vda|/i/base|raw"}},
      {"a copy as old libvirts say it",
       "<disk type='file'><source file='/i/a'/><mirror file='/i/b' format='raw'/><target dev='hda'/></disk>",
       {"disk hda|/i/a|", "mirror of disk hda|/i/b|raw"}},
      {"an external data file",
       "<disk type='file'><driver type='qcow2'/><source file='/i/a'><dataStore type='file'><format type='raw'/><source "
       "file='/i/data'/></dataStore></source><target dev='vda'/></disk>",
       {"disk vda|/i/a|qcow2", "data file of disk vda|/i/data|raw"}},
      {"a container's file system",
       "<filesystem type='file'><driver type='nbd' format='qcow2'/><source file='/i/disk'/><target dir='/'/>"
       "</filesystem><filesystem type='block'><source dev='/dev/x'/><target dir='/data'/></filesystem>"
       "<filesystem type='mount'><source dir='/srv'/><target dir='/srv'/></filesystem>",
       {"file system '/'|/i/disk|qcow2", "file system '/data'|/dev/x|"}},
      {"a memory device",
       "<memory model='nvdimm'><source><path>/i/nv</path></source></memory>",
       {"memory device|/i/nv|raw"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(files_of(domain_with(row.xml)) == row.files);
  }
}

TEST_CASE("what a domain boots from is among its files") {
  const std::string os =
      "<kernel>/i/kernel</kernel><initrd>/i/ramdisk</initrd><dtb>/i/dtb</dtb>"
      "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader>"
      "<nvram template='/usr/share/OVMF/VARS.fd' format='qcow2'>/v/VARS.qcow2</nvram>";
  CHECK(files_of(domain_with("", os)) == Lines{"kernel|/i/kernel|raw", "initrd|/i/ramdisk|raw", "dtb|/i/dtb|raw",
                                               "firmware|/usr/share/OVMF/OVMF_CODE.fd|raw",
                                               "firmware's variables|/v/VARS.qcow2|qcow2",
                                               "template of the firmware's variables|/usr/share/OVMF/VARS.fd|qcow2"});
  CHECK(files_of(domain_with("", "<nvram type='file'>\n  <source file='/v/VARS'/>\n</nvram>")) ==
        Lines{"firmware's variables|/v/VARS|raw"});
}

TEST_CASE("a volume is where its pool says, and not among the files where nobody can ask") {
  const std::string xml = domain_with(
      "<disk type='volume'><driver type='qcow2'/><source pool='p' volume='v.qcow2'/><target dev='vda'/></disk>");
  CHECK(files_of(xml).empty());
  CHECK(files_of(xml, [](const std::string& pool, const std::string& volume) {
          return Path("/pools") / pool / volume;
        }) == Lines{"disk vda|/pools/p/v.qcow2|qcow2"});
  CHECK(files_of(xml, [](const std::string&, const std::string&) { return Path(); }).empty());
}

TEST_CASE("a snapshot's files are those that it made and those of the domain as it was") {
  const std::string snapshot =
      "<domainsnapshot><name>before</name><memory snapshot='external' file='/i/memory'/><disks><disk name='vda' "
      "snapshot='external' type='file'><driver type='qcow2'/><source file='/i/overlay'/></disk><disk name='vdb' "
      "snapshot='no'/></disks>" +
      domain_with("<disk type='file'><driver type='qcow2'/><source file='/i/disk'/><target dev='vda'/></disk>") +
      "<inactiveDomain><devices><disk type='file'><driver type='raw'/><source file='/i/old'/><target dev='vda'/></disk>"
      "</devices></inactiveDomain></domainsnapshot>";
  const KnownDomain known = known_domain(snapshot);
  CHECK(known.uuid == kUuid);
  CHECK(known.name == "web01");
  CHECK(files_of(snapshot) ==
        Lines{"disk vda of snapshot 'before'|/i/overlay|qcow2", "memory of snapshot 'before'|/i/memory|raw",
              "disk vda of snapshot 'before'|/i/disk|qcow2", "disk vda of snapshot 'before'|/i/old|raw"});
}

TEST_CASE("a checkpoint's domain counts too") {
  const std::string checkpoint =
      "<domaincheckpoint><name>c1</name><disks><disk name='vda' checkpoint='bitmap' bitmap='c1'/></disks>" +
      domain_with("<disk type='file'><driver type='qcow2'/><source file='/i/disk'/><target dev='vda'/></disk>") +
      "</domaincheckpoint>";
  CHECK(files_of(checkpoint) == Lines{"disk vda of checkpoint 'c1'|/i/disk|qcow2"});
}

TEST_CASE("what isn't understood is an error, never a domain without files") {
  CHECK(refusal_of("") == ErrorCode::storage_unusable);
  CHECK(refusal_of("<domain><devices>") == ErrorCode::storage_unusable);
  CHECK(refusal_of("<network/>") == ErrorCode::storage_unusable);
  CHECK(refusal_of(domain_with("<disk type='file'><source file='disk'/><target dev='vda'/></disk>")) ==
        ErrorCode::storage_unusable);
  CHECK(refusal_of("<domain>" + std::string(mebibytes(33).count, ' ') + "</domain>") == ErrorCode::storage_unusable);

  std::string chain;
  std::string ends;
  for (int i = 0; i < 250; ++i) {
    chain += "<backingStore type='file'><source file='/i/x'/>";
    ends += "</backingStore>";
  }
  CHECK(refusal_of(domain_with("<disk type='file'>" + chain + ends + "</disk>")) == ErrorCode::storage_unusable);
}

TEST_CASE("entities of a description are nobody's file") {
  const std::string xml =
      "<!DOCTYPE domain [<!ENTITY secret SYSTEM 'file:///etc/hostname'>]><domain><name>a</name>"
      "<os><kernel>/&secret;</kernel></os></domain>";
  CHECK(files_of(xml) == Lines{"kernel|/&secret;|raw"});
}
