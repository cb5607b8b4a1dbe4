#include "agent/provision/guest_hardware.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace basecache;
using namespace basecache::provision;

namespace {

using Texts = std::map<std::string, std::string>;

domain::GuestHardware hardware(const Texts& properties, const Texts& specs = {}, std::uint64_t vcpus = 1,
                               model::VirtType virt_type = model::VirtType::kvm) {
  model::Flavor flavor;
  flavor.vcpus = vcpus;
  flavor.extra_specs = specs;
  domain::Hypervisor hypervisor;
  hypervisor.virt_type = virt_type;
  return hardware_of(image::ImageProperties::parse(properties), flavor, hypervisor);
}

ErrorCode refusal(const Texts& properties, const Texts& specs, std::uint64_t vcpus = 1) {
  try {
    hardware(properties, specs, vcpus);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_CASE("an image that says nothing has what Nova gives every guest") {
  const auto plain = hardware({});
  CHECK(plain.random.has_value());
  CHECK(plain.serial_ports == 1);
  CHECK_FALSE(plain.has_uefi);
  CHECK((plain.topology == domain::CpuTopology{1, 1, 1}));
  CHECK(plain.watchdog_action.empty());
  CHECK_FALSE(plain.has_pmu.has_value());
}

TEST_CASE("the image goes before the flavor, but no further than the flavor lets it") {
  CHECK(hardware({{"hw_boot_menu", "false"}}, {{"hw:boot_menu", "true"}}).has_boot_menu == false);
  CHECK(hardware({}, {{"hw:boot_menu", "true"}}).has_boot_menu);
  CHECK(hardware({{"hw_watchdog_action", "disabled"}}, {{"hw:watchdog_action", "reset"}}).watchdog_action.empty());
  CHECK(hardware({}, {{"hw:watchdog_action", "reset"}}).watchdog_action == "reset");
  CHECK(hardware({{"hw_serial_port_count", "2"}}, {{"hw:serial_port_count", "4"}}).serial_ports == 2);
  CHECK(hardware({}, {{"hw:serial_port_count", "4"}}).serial_ports == 4);
  CHECK(hardware({{"hw_serial_port_count", "0"}}).serial_ports == 1);
  CHECK((hardware({{"hw_cpu_cores", "4"}}, {{"hw:cpu_sockets", "8"}}, 8).topology == domain::CpuTopology{2, 4, 1}));
  CHECK((hardware({}, {{"hw:cpu_max_sockets", "2"}, {"hw:cpu_sockets", "4"}}, 8).topology ==
         domain::CpuTopology{2, 4, 1}));
  CHECK(refusal({{"hw_serial_port_count", "3"}}, {{"hw:serial_port_count", "2"}}) == ErrorCode::image_unacceptable);
  CHECK(refusal({{"hw_cpu_max_cores", "4"}}, {{"hw:cpu_max_cores", "2"}}) == ErrorCode::image_unacceptable);
  CHECK(refusal({{"hw_cpu_cores", "4"}, {"hw_cpu_max_cores", "2"}}, {}) == ErrorCode::image_unacceptable);
  CHECK(refusal({{"hw_cpu_max_cores", "1"}, {"hw_cpu_max_sockets", "1"}, {"hw_cpu_max_threads", "1"}}, {}, 2) ==
        ErrorCode::image_unacceptable);
  CHECK(refusal({{"hw_pmu", "true"}}, {{"hw:pmu", "no"}}) == ErrorCode::image_unacceptable);
}

TEST_CASE("a secure boot needs the firmware and the machine for it") {
  const Texts secure{{"hw_firmware_type", "uefi"}, {"hw_machine_type", "pc-q35-7.2"}, {"os_secure_boot", "required"}};
  CHECK(hardware(secure).has_secure_boot);
  CHECK(hardware({{"hw_firmware_type", "uefi"}, {"hw_machine_type", "q35"}}, {{"os:secure_boot", "required"}})
            .has_secure_boot);
  CHECK_FALSE(hardware({{"os_secure_boot", "required"}}).has_secure_boot);
  CHECK_FALSE(hardware({{"hw_firmware_type", "uefi"}, {"os_secure_boot", "optional"}}).has_secure_boot);
  CHECK(refusal({{"hw_firmware_type", "uefi"}, {"os_secure_boot", "required"}}, {}) == ErrorCode::image_unacceptable);
  CHECK(refusal(secure, {{"os:secure_boot", "disabled"}}) == ErrorCode::image_unacceptable);
  CHECK(hardware({{"hw_architecture", "aarch64"}}).has_uefi);
  CHECK_FALSE(hardware({{"hw_architecture", "aarch64"}, {"hw_firmware_type", "bios"}}).has_uefi);
}

TEST_CASE("quotas are the flavor's, and those that Nova doesn't know mean nothing") {
  const Texts specs{{"quota:cpu_shares", "10"},          {"quota:cpu_quota", "-1"},
                    {"quota:disk_total_iops_sec", "7"},  {"quota:disk_read_bytes_sec_max", "no number"},
                    {"quota:memory_limit", "no number"}, {"quota:vif_inbound_average", "1"}};
  const auto of_kvm = hardware({}, specs);
  CHECK(of_kvm.cpu_quota.shares == 10);
  CHECK(of_kvm.cpu_quota.quota == -1);
  CHECK_FALSE(of_kvm.cpu_quota.period.has_value());
  CHECK((of_kvm.disk_quota == std::map<std::string, std::int64_t>{{"total_iops_sec", 7}}));
  CHECK(refusal({}, {{"quota:disk_total_iops_sec", "-1"}}) == ErrorCode::invalid_request);
  CHECK(refusal({}, {{"quota:cpu_shares", "1 x"}}) == ErrorCode::invalid_request);
}

TEST_CASE("a container has quotas and no machine") {
  const auto container = hardware({{"hw_firmware_type", "uefi"}, {"hw_qemu_guest_agent", "yes"}},
                                  {{"quota:cpu_shares", "10"}}, 1, model::VirtType::lxc);
  CHECK(container.cpu_quota.shares == 10);
  CHECK_FALSE(container.has_uefi);
  CHECK_FALSE(container.has_guest_agent);
  CHECK_FALSE(container.random.has_value());
  CHECK_FALSE(hardware({}, {{"quota:cpu_shares", "10"}}, 1, model::VirtType::parallels).cpu_quota.shares.has_value());
}

TEST_CASE("what can't be said is told of") {
  CHECK(hardware({{"hw_cpu_policy", "dedicated"}}).left_out.size() == 1);
  CHECK(hardware({}, {{"hw:cpu_policy", "mixed"}}).left_out.size() == 1);
  CHECK(hardware({{"hw_cpu_policy", "shared"}}).left_out.empty());
}

TEST_CASE("a guest that asks for a TPM or encrypted memory isn't run without, unless its domain is somebody's") {
  for (const char* name : {"hw_tpm_version", "hw_tpm_model", "hw_mem_encryption"}) {
    CHECK(refusal({{name, "1"}}, {}) == ErrorCode::image_unacceptable);
  }
  for (const char* name : {"hw:tpm_version", "hw:tpm_model", "hw:mem_encryption"}) {
    CHECK(refusal({}, {{name, "1"}}) == ErrorCode::invalid_request);
  }
  CHECK(hardware({{"hw_mem_encryption", "false"}}, {{"hw:mem_encryption", "no"}}).left_out.empty());
  const auto noted = hardware_of(image::ImageProperties::parse({{"hw_tpm_version", "2.0"}}), {}, {},
                                 ErrorCode::image_unacceptable, UnmadeSecurity::noted);
  CHECK(noted.left_out == std::vector<std::string>{"hw_tpm_version: isn't made here"});
}

TEST_CASE("what Nova makes of image and flavor and nobody here does is told of") {
  const auto noted = hardware({{"hw_numa_nodes", "2"}, {"hw_input_bus", "usb"}}, {{"hw:numa_mem.0", "1"}});
  CHECK(noted.left_out == std::vector<std::string>{"hw_numa_nodes: isn't made here", "hw_input_bus: isn't made here",
                                                   "hw:numa_mem.0: isn't made here"});
}

TEST_CASE("the architecture that is to be emulated goes before the image's own") {
  CHECK(hardware({{"hw_architecture", "x86_64"}, {"hw_emulation_architecture", "aarch64"}}).arch == "aarch64");
  CHECK(hardware({{"hw_emulation_architecture", "amd64"}}).arch == "x86_64");
}

TEST_CASE("limits of one kind that libvirt doesn't take together are refused") {
  const auto both = [](const char* total, const char* read) {
    return Texts{{"quota:disk_total_bytes_sec", total}, {"quota:disk_read_bytes_sec", read}};
  };
  CHECK(refusal({}, both("1", "1")) == ErrorCode::invalid_request);
  CHECK(hardware({}, both("0", "1")).disk_quota.size() == 2);
  CHECK(hardware({}, {{"quota:disk_total_iops_sec", "1"}, {"quota:disk_read_bytes_sec", "1"}}).disk_quota.size() == 2);
}
