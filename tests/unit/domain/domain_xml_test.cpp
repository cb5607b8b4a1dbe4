#include "agent/domain/domain_xml.hpp"

#include <doctest/doctest.h>

#include <pugixml.hpp>
#include <string>
#include <vector>

using namespace basecache;
using namespace basecache::domain;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";
const std::string kDirectory = "/var/lib/nova/instances/" + kUuid;

DomainDisk file(const std::string& device, const std::string& name, const std::string& format) {
  DomainDisk disk{device, kDirectory + "/" + name, format};
  return disk;
}

Domain small_domain() {
  Domain domain;
  domain.uuid = kUuid;
  domain.memory_mb = 512;
  domain.vcpus = 2;
  domain.root_device = "vda";
  domain.console_log = kDirectory + "/console.log";
  domain.disks = {file("vda", "disk", "qcow2")};
  return domain;
}

Hypervisor on(model::VirtType virt_type) {
  Hypervisor hypervisor;
  hypervisor.virt_type = virt_type;
  return hypervisor;
}

class Read {
 public:
  explicit Read(const Domain& domain, const Hypervisor& hypervisor = {}) {
    CHECK(document_.load_string(domain_xml(domain, hypervisor).c_str(), pugi::parse_default | pugi::parse_comments));
  }
  // The text, or the attribute's value, of what the path names first; "" where there is none.
  std::string at(const char* path) const {
    const pugi::xpath_node found = document_.select_node(path);
    return found.attribute() ? found.attribute().value() : found.node().child_value();
  }
  std::size_t count(const char* path) const { return document_.select_nodes(path).size(); }
  // "vda virtio disk qcow2 none/default", one for each disk.
  std::vector<std::string> disks() const {
    std::vector<std::string> words;
    for (const pugi::xpath_node& one : document_.select_nodes("/domain/devices/disk")) {
      const pugi::xml_node disk = one.node();
      const pugi::xml_node driver = disk.child("driver");
      words.push_back(std::string(disk.child("target").attribute("dev").value()) + " " +
                      disk.child("target").attribute("bus").value() + " " + disk.attribute("type").value() + " " +
                      disk.attribute("device").value() + " " + driver.attribute("type").value() + " " +
                      driver.attribute("cache").value() + "/" + driver.attribute("io").as_string("default"));
    }
    return words;
  }

 private:
  pugi::xml_document document_;
};

}  // namespace

TEST_CASE("an instance is a domain of its uuid, with the flavor's memory and processors") {
  const Read xml(small_domain());
  CHECK(xml.at("/domain/@type") == "kvm");
  CHECK(xml.at("/domain/name") == kUuid);
  CHECK(xml.at("/domain/uuid") == kUuid);
  CHECK(xml.at("/domain/memory") == "512");
  CHECK(xml.at("/domain/memory/@unit") == "MiB");
  CHECK(xml.at("/domain/vcpu") == "2");
  CHECK(xml.at("/domain/os/type") == "hvm");
  CHECK(xml.at("/domain/os/type/@machine") == "pc");
  CHECK(xml.count("/domain/os/boot") == 0);  // a disk says that it is booted
  CHECK(xml.at("/domain/clock/@offset") == "utc");
  CHECK(xml.count("/domain/features/acpi") == 1);
}

TEST_CASE("the guest boots from its root device, whatever disk has the first name of the bus") {
  Domain domain = small_domain();
  domain.root_device = "vdb";
  domain.disks = {file("vda", "disk", "raw"), file("vdb", "disk.rescue", "raw")};
  const Read xml(domain);
  CHECK(xml.count("/domain/devices/disk/boot") == 1);
  CHECK(xml.at("/domain/devices/disk[target/@dev='vdb']/boot/@order") == "1");
  domain.kernel = kDirectory + "/kernel";
  CHECK(Read(domain).count("/domain/devices/disk/boot") == 0);
}

TEST_CASE("disks stand in their order, on the bus of their name") {
  Domain domain = small_domain();
  domain.disks = {file("vda", "disk", "qcow2"), file("sda", "disk.local", "raw"), file("hdb", "disk.swap", "raw"),
                  file("hda", "disk.config", "raw")};
  domain.disks.back().is_cdrom = true;
  const Read xml(domain);
  CHECK(xml.disks() ==
        std::vector<std::string>{"vda virtio file disk qcow2 none/default", "sda scsi file disk raw none/default",
                                 "hdb ide file disk raw none/default", "hda ide file cdrom raw none/default"});
  CHECK(xml.at("/domain/devices/disk[1]/source/@file") == kDirectory + "/disk");
  CHECK(xml.count("/domain/devices/disk[1]/readonly") == 0);
  CHECK(xml.count("/domain/devices/disk[4]/readonly") == 1);
}

TEST_CASE("a volume of LVM is a block device") {
  Domain domain = small_domain();
  domain.disks = {{"vda", "/dev/vg/" + kUuid + "_disk", "raw", "native", true, false}};
  const Read xml(domain);
  CHECK(xml.disks() == std::vector<std::string>{"vda virtio block disk raw none/native"});
  CHECK(xml.at("/domain/devices/disk/source/@dev") == "/dev/vg/" + kUuid + "_disk");
}

TEST_CASE("where files don't take O_DIRECT they are cached, and native I/O isn't asked for") {
  Domain domain = small_domain();
  domain.disks = {{"vda", kDirectory + "/disk", "raw", "native", false, false},
                  {"vdb", kDirectory + "/disk.local", "raw", "", false, false},
                  {"vdc", "/dev/vg/swap", "raw", "native", true, false}};
  Hypervisor hypervisor;
  hypervisor.direct_io = false;
  CHECK(Read(domain, hypervisor).disks() == std::vector<std::string>{"vda virtio file disk raw writeback/threads",
                                                                     "vdb virtio file disk raw writeback/default",
                                                                     "vdc virtio block disk raw none/native"});
  CHECK(Read(domain).disks().front() == "vda virtio file disk raw none/native");
}

TEST_CASE("a kernel is booted with Nova's command line") {
  Domain domain = small_domain();
  domain.kernel = kDirectory + "/kernel";
  CHECK(Read(domain).at("/domain/os/cmdline") == "root=/dev/vda console=tty0 console=ttyS0 console=hvc0");
  CHECK(Read(domain).count("/domain/os/initrd") == 0);
  CHECK(Read(domain).count("/domain/os/boot") == 0);
  domain.ramdisk = kDirectory + "/ramdisk";
  const Read xml(domain, on(model::VirtType::qemu));
  CHECK(xml.at("/domain/@type") == "qemu");
  CHECK(xml.at("/domain/os/kernel") == kDirectory + "/kernel");
  CHECK(xml.at("/domain/os/initrd") == kDirectory + "/ramdisk");
  CHECK(xml.at("/domain/os/cmdline") == "root=/dev/vda console=tty0 console=ttyS0 console=hvc0 no_timer_check");
}

TEST_CASE("the console is logged to the instance's console.log and keeps what is there") {
  const Read xml(small_domain());
  CHECK(xml.at("/domain/devices/serial/@type") == "pty");
  CHECK(xml.at("/domain/devices/serial/log/@file") == kDirectory + "/console.log");
  CHECK(xml.at("/domain/devices/serial/log/@append") == "on");
}

TEST_CASE("Windows takes the clock for local time") {
  Domain domain = small_domain();
  domain.is_windows = true;
  CHECK(Read(domain).at("/domain/clock/@offset") == "localtime");
}

TEST_CASE("what is left out is told of, and can't end the comment") {
  Domain domain = small_domain();
  domain.left_out = {"vdb: a volume", "vdc--><disk/>"};
  CHECK(Read(domain).disks().size() == 1);
  CHECK(Read(domain).count("/domain/devices/comment()") == 2);
  CHECK(domain_xml(domain, {}).find("<!-- vdb: a volume -->") != std::string::npos);
}

TEST_CASE("a container has its root file system and nothing else") {
  Domain domain = small_domain();
  domain.disks.push_back(file("vdb", "disk.local", "raw"));
  const Read xml(domain, on(model::VirtType::lxc));
  CHECK(xml.at("/domain/@type") == "lxc");
  CHECK(xml.at("/domain/os/type") == "exe");
  CHECK(xml.at("/domain/os/init") == "/sbin/init");
  CHECK(xml.disks().empty());
  CHECK(xml.count("/domain/devices/filesystem") == 1);
  CHECK(xml.at("/domain/devices/filesystem/driver/@type") == "nbd");
  CHECK(xml.at("/domain/devices/filesystem/driver/@format") == "qcow2");
  CHECK(xml.at("/domain/devices/filesystem/source/@file") == kDirectory + "/disk");
  CHECK(xml.at("/domain/devices/filesystem/target/@dir") == "/");
  CHECK(xml.at("/domain/devices/console/log/@file") == kDirectory + "/console.log");
  CHECK(xml.count("/domain/features") == 0);
}

TEST_CASE("a container's file system is a loop device of a raw file, or a volume as it is") {
  Domain domain = small_domain();
  domain.disks = {file("vda", "disk", "raw")};
  CHECK(Read(domain, on(model::VirtType::lxc)).at("/domain/devices/filesystem/driver/@type") == "loop");
  domain.disks.front().is_block = true;
  CHECK(Read(domain, on(model::VirtType::lxc)).at("/domain/devices/filesystem/@type") == "block");
}

TEST_CASE("a container whose root is elsewhere gets no other disk for it") {
  Domain domain = small_domain();
  domain.disks = {file("vdb", "disk.local", "raw")};
  CHECK(Read(domain, on(model::VirtType::lxc)).count("/domain/devices/filesystem") == 0);
}

TEST_CASE("User-mode Linux boots its own kernel") {
  Domain domain = small_domain();
  domain.root_device = "ubda";
  domain.disks = {file("ubda", "disk", "raw")};
  const Read xml(domain, on(model::VirtType::uml));
  CHECK(xml.at("/domain/os/type") == "uml");
  CHECK(xml.at("/domain/os/kernel") == "/usr/bin/linux");
  CHECK(xml.at("/domain/os/root") == "/dev/ubda");
  CHECK(xml.at("/domain/devices/disk/target/@bus") == "uml");
  CHECK(xml.count("/domain/devices/disk/driver") == 0);
}

TEST_CASE("another machine isn't made a PC") {
  Hypervisor hypervisor;
  hypervisor.arch = "aarch64";
  Domain domain = small_domain();
  domain.hardware.has_uefi = true;
  const Read arm(domain, hypervisor);
  CHECK(arm.at("/domain/os/type/@machine") == "virt");
  CHECK(arm.at("/domain/os/@firmware") == "efi");  // it has no BIOS
  CHECK(arm.count("/domain/features/acpi") == 1);
  CHECK(arm.count("/domain/features/apic") == 0);
  hypervisor.arch = "riscv64";
  CHECK(Read(small_domain(), hypervisor).count("/domain/os/type/@machine") == 0);
}

TEST_CASE("an image of another architecture is run by QEMU alone") {
  Domain domain = small_domain();
  domain.is_windows = true;
  domain.hardware.arch = "aarch64";
  const Read arm(domain);
  CHECK(arm.at("/domain/@type") == "qemu");
  CHECK(arm.at("/domain/os/type/@arch") == "aarch64");
  CHECK(arm.at("/domain/os/type/@machine") == "virt");
  CHECK(arm.at("/domain/cpu/model") == "cortex-a57");
  CHECK(arm.count("/domain/cpu/@mode") == 0);
  CHECK(arm.count("/domain/clock/timer") == 0);
  CHECK(arm.count("/domain/features/hyperv") == 0);
  domain.hardware.arch = "x86_64";
  CHECK(Read(domain).at("/domain/@type") == "kvm");
  CHECK(Read(domain).at("/domain/cpu/@mode") == "host-model");
}

TEST_CASE("Windows on KVM has its own clock and what it knows of a hypervisor") {
  Domain domain = small_domain();
  domain.is_windows = true;
  domain.hardware.hides_hypervisor = true;
  const Read xml(domain);
  CHECK(xml.at("/domain/clock/timer[@name='hypervclock']/@present") == "yes");
  CHECK(xml.at("/domain/clock/timer[@name='hpet']/@present") == "no");
  CHECK(xml.at("/domain/features/hyperv/spinlocks/@retries") == "8191");
  CHECK(xml.count("/domain/features/hyperv/vendor_id") == 1);
  CHECK(xml.at("/domain/features/kvm/hidden/@state") == "on");
  CHECK(Read(domain, on(model::VirtType::qemu)).count("/domain/features/hyperv") == 0);
  CHECK(Read(small_domain()).count("/domain/features/hyperv") == 0);
}

TEST_CASE("what the hardware has is there, and nothing that it hasn't") {
  const Read plain(small_domain());
  for (const char* none :
       {"/domain/cputune", "/domain/devices/channel", "/domain/devices/watchdog", "/domain/devices/rng",
        "/domain/devices/video", "/domain/os/bootmenu", "/domain/os/@firmware", "//iotune", "/domain/features/pmu",
        "/domain/devices/controller[@type='scsi']", "//interface"}) {
    CAPTURE(none);
    CHECK(plain.count(none) == 0);
  }
  CHECK(plain.at("/domain/devices/controller[@type='usb']/@model") == "none");
  CHECK(plain.at("/domain/devices/memballoon/stats/@period") == "10");
  Domain domain = small_domain();
  domain.disks.front().bus = "usb";
  domain.hardware = {.machine = "q35",
                     .has_uefi = true,
                     .has_secure_boot = true,
                     .has_boot_menu = true,
                     .topology = CpuTopology{.sockets = 1, .cores = 2, .threads = 1},
                     .has_pmu = false,
                     .has_guest_agent = true,
                     .random = RandomSource{.rate_bytes = 7, .rate_period = 9},
                     .watchdog_action = "poweroff",
                     .video_model = "vga",
                     .serial_ports = 3,
                     .cpu_quota = {.shares = 1, .period = 2, .quota = -1},
                     .disk_quota = {{"total_iops_sec", 5}}};
  const Read xml(domain);
  CHECK(xml.at("/domain/os/@firmware") == "efi");
  CHECK(xml.at("/domain/os/firmware/feature[@name='secure-boot']/@enabled") == "yes");
  CHECK(xml.at("/domain/os/bootmenu/@enable") == "yes");
  CHECK(xml.at("/domain/cpu/topology/@cores") == "2");
  CHECK(xml.at("/domain/cputune/quota") == "-1");
  CHECK(xml.at("/domain/features/pmu/@state") == "off");
  CHECK(xml.at("/domain/devices/rng/rate/@bytes") == "7");
  CHECK(xml.at("/domain/devices/rng/backend") == "/dev/urandom");
  CHECK(xml.at("/domain/devices/watchdog/@action") == "poweroff");
  CHECK(xml.at("/domain/devices/video/model/@type") == "vga");
  CHECK(xml.at("/domain/devices/disk/iotune/total_iops_sec") == "5");
  CHECK(xml.count("/domain/devices/serial") == 3);
  CHECK(xml.count("/domain/devices/serial[1]/log") == 1);
  CHECK(xml.count("/domain/devices/serial/log") == 1);
  CHECK(xml.count("/domain/devices/controller[@type='usb']/@model") == 0);
}

TEST_CASE("units of a virtio SCSI are told, and the first is kept for a volume to boot from") {
  Domain domain = small_domain();
  domain.root_device = "sda";
  domain.hardware.scsi_model = "virtio-scsi";
  domain.disks = {file("sdb", "disk.local", "raw"), file("sdc", "disk.swap", "raw"), file("vda", "disk.eph0", "raw")};
  CHECK(Read(domain).at("/domain/devices/disk[1]/address/@unit") == "1");
  CHECK(Read(domain).at("/domain/devices/disk[2]/address/@unit") == "2");
  CHECK(Read(domain).count("/domain/devices/disk[3]/address") == 0);
  domain.disks.push_back(file("sda", "disk", "raw"));
  CHECK(Read(domain).at("/domain/devices/disk[1]/address/@unit") == "0");
  domain.hardware.scsi_model = "lsilogic";
  CHECK(Read(domain).count("/domain/devices/disk/address") == 0);
}

TEST_CASE("the request by which it was made stands in the metadata, and nothing where there is none to tell") {
  Domain domain = small_domain();
  CHECK(Read(domain).count("/domain/metadata/*[local-name()='instance']") == 1);
  CHECK(Read(domain).at("/domain/metadata/*").empty());
  CHECK(holds_no_request(domain_xml(domain, {})));
  domain.request = R"({"name":"<&>"})";
  CHECK_FALSE(holds_no_request(domain_xml(domain, {})));
  CHECK(Read(domain).at("/domain/metadata/*") == domain.request);
  CHECK(
      domain_xml(domain, {}).find("<basecache:instance xmlns:basecache=\"https://basecache.dev/xmlns/instance/1\">") !=
      std::string::npos);
}

TEST_CASE("an image's own command line goes before ours") {
  Domain domain = small_domain();
  domain.hardware.command_line = "root=LABEL=x quiet";
  CHECK(Read(domain).count("/domain/os/cmdline") == 0);  // without a kernel nobody reads one
  domain.kernel = kDirectory + "/kernel";
  CHECK(Read(domain).at("/domain/os/cmdline") == "root=LABEL=x quiet");
}

TEST_CASE("processors are laid out as Nova lays them out") {
  const CpuTopology any{65536, 65536, 65536};
  const struct {
    std::uint64_t vcpus;
    CpuTopology wish;
    CpuTopology most;
    std::optional<CpuTopology> best;
  } rows[] = {{1, {}, any, CpuTopology{1, 1, 1}},
              {8, {}, any, CpuTopology{8, 1, 1}},
              {8, {0, 4, 0}, any, CpuTopology{2, 4, 1}},
              {8, {0, 0, 2}, any, CpuTopology{4, 1, 2}},
              {8, {1, 0, 2}, any, CpuTopology{1, 4, 2}},
              {8, {3, 3, 3}, any, CpuTopology{8, 1, 1}},
              {8, {}, {2, 65536, 65536}, CpuTopology{2, 4, 1}},
              {8, {}, {1, 2, 65536}, CpuTopology{1, 2, 4}},
              {7, {}, {2, 3, 1}, std::nullopt}};
  for (const auto& row : rows) {
    CAPTURE(row.vcpus);
    CAPTURE(row.wish.cores);
    CHECK((best_topology(row.vcpus, row.wish, row.most) == row.best));
  }
}

TEST_CASE("names that mean something in XML stay names") {
  Domain domain = small_domain();
  domain.disks.front().path = "/a/<b>&\"c'/disk";
  CHECK(Read(domain).at("/domain/devices/disk/source/@file") == "/a/<b>&\"c'/disk");
}

TEST_CASE("what is made here says so, and who gives it back can take it for theirs") {
  const std::string text = domain_xml(small_domain(), {});
  CHECK(is_made_here(text));
  CHECK_FALSE(is_made_here("<domain/>"));
  CHECK_FALSE(is_made_here(without_mark(text)));
  CHECK(without_mark(text).starts_with("<domain "));
  CHECK(without_mark("<domain/>") == "<domain/>");
}
