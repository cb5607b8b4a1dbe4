#include "agent/provision/guest_hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "agent/image/property_reader.hpp"
#include "agent/model/extra_specs.hpp"

namespace basecache::provision {
namespace {

using domain::CpuTopology;
using image::ImageProperties;

// nova/virt/hardware.py: the limit where neither flavor nor image has one.
constexpr std::int64_t kMostOfTopology = 65536;
// QEMU has four (nova/virt/libvirt/driver.py, QEMU_MAX_SERIAL_PORTS), of which Nova keeps one for console.log.
constexpr std::int64_t kMostSerialPorts = 4;
// Beside those of NUMA, which begin alike.
constexpr std::array<std::string_view, 4> kUnmadeSpecs{"hw:mem_page_size", "hw:locked_memory", "hw:cpu_realtime",
                                                       "hw:viommu_model"};
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

CpuTopology in_front(const CpuTopology& first, const CpuTopology& second) {
  const auto either = [](std::uint64_t one, std::uint64_t other) { return one != 0 ? one : other; };
  return {.sockets = either(first.sockets, second.sockets),
          .cores = either(first.cores, second.cores),
          .threads = either(first.threads, second.threads)};
}

// Of what is told (not 0) on both sides.
bool exceeds(const CpuTopology& one, const CpuTopology& most) {
  const auto is_more = [](std::uint64_t count, std::uint64_t limit) { return limit != 0 && count > limit; };
  return is_more(one.sockets, most.sockets) || is_more(one.cores, most.cores) || is_more(one.threads, most.threads);
}

std::string text_of(const CpuTopology& topology) {
  return fmt::format("{} sockets, {} cores, {} threads", topology.sockets, topology.cores, topology.threads);
}

class Builder {
 public:
  Builder(const ImageProperties& image, const model::Flavor& flavor, const domain::Hypervisor& hypervisor,
          ErrorCode code, UnmadeSecurity security)
      : image_(image),
        flavor_(flavor),
        specs_(flavor.extra_specs),
        hypervisor_(hypervisor),
        code_(code),
        security_(security) {}

  domain::GuestHardware build() {
    read_quotas();
    const model::VirtType type = hypervisor_.virt_type;
    if (type != model::VirtType::kvm && type != model::VirtType::qemu) return std::move(hardware_);
    read_unmade();
    read_machine();
    read_secure_boot();
    read_processors();
    read_devices();
    read_serial_ports();
    return std::move(hardware_);
  }

 private:
  [[noreturn]] void refuse(const char* property, const std::string& value, const std::string& expected) const {
    static const std::map<std::string, std::string> nothing;
    image::PropertyReader(nothing, code_).refuse(property, value, expected);
  }

  // nova/virt/libvirt/driver.py, _update_guest_cputune; imagebackend.py, disk_qos. What the words mean together is
  // between libvirt and the flavor's author.
  void read_quotas() {
    const model::VirtType type = hypervisor_.virt_type;
    if (type != model::VirtType::uml && type != model::VirtType::parallels) {
      hardware_.cpu_quota = {.shares = specs_.integer("quota:cpu_shares", 0, kMost),
                             .period = specs_.integer("quota:cpu_period", 0, kMost),
                             .quota = specs_.integer("quota:cpu_quota", -kMost, kMost)};
    }
    for (const char* name : {"read_bytes_sec", "read_iops_sec", "write_bytes_sec", "write_iops_sec", "total_bytes_sec",
                             "total_iops_sec"}) {
      const auto limit = specs_.integer(std::string("quota:disk_") + name, 0, kMost);
      if (limit) hardware_.disk_quota.emplace(name, *limit);
    }
    for (const std::string kind : {"bytes_sec", "iops_sec"}) require_one_limit(kind);
  }

  // libvirt starts no domain that has both; 0 is no limit.
  void require_one_limit(const std::string& kind) {
    const auto limits = [&](const std::string& way) {
      const auto limit = hardware_.disk_quota.find(way + kind);
      return limit != hardware_.disk_quota.end() && limit->second != 0;
    };
    if (!limits("total_") || (!limits("read_") && !limits("write_"))) return;
    const std::string name = "quota:disk_total_" + kind;
    specs_.refuse(name, fmt::format("0 where quota:disk_read_{0} or quota:disk_write_{0} is given", kind));
  }

  void read_unmade() {
    for (const std::string& name : image_.unmade_security) {
      refuse_unmade(code_, "property", "the image's property " + name, name);
    }
    for (const std::string& name : image_.unmade) note_unmade(name);
    for (const auto& [name, value] : flavor_.extra_specs) {
      if (name == "hw:tpm_version" || name == "hw:tpm_model") refuse_unmade_spec(name);
      if (name.starts_with("hw:numa_") || std::ranges::find(kUnmadeSpecs, name) != kUnmadeSpecs.end())
        note_unmade(name);
    }
    const std::string encryption = "hw:mem_encryption";
    if (specs_.truth(encryption).value_or(false)) refuse_unmade_spec(encryption);
  }

  void refuse_unmade(ErrorCode code, const char* kind, const std::string& field, const std::string& name) {
    if (security_ == UnmadeSecurity::noted) return note_unmade(name);
    const char* what = name.find("tpm") == name.npos ? "encrypted memory" : "a TPM";
    throw Error(code, fmt::format("{} asks for {}, which domains that are made here don't have", field, what))
        .add_field(kind, name)
        .set_hint("take it out, or give the domain too (libvirt_xml)");
  }
  void refuse_unmade_spec(const std::string& name) {
    refuse_unmade(ErrorCode::invalid_request, "field", "flavor.extra_specs." + name, name);
  }

  void note_unmade(const std::string& name) { hardware_.left_out.push_back(name + ": isn't made here"); }

  void read_machine() {
    hardware_.arch = image_.emulation.value_or(image_.architecture.value_or(""));
    hardware_.machine = image_.machine_type.value_or("");
    // Boards without a BIOS (nova/virt/libvirt/driver.py, _configure_guest_by_virt_type).
    const std::string& arch = hardware_.arch.empty() ? hypervisor_.arch : hardware_.arch;
    hardware_.has_uefi = image_.firmware_type ? *image_.firmware_type == "uefi" : arch == "aarch64";
    hardware_.has_boot_menu = image_.boot_menu.value_or(specs_.truth("hw:boot_menu").value_or(false));
    hardware_.command_line = image_.command_line.value_or("");
  }

  // nova/virt/hardware.py, get_secure_boot_constraint. "optional" is no here: whether the node has the firmware is
  // libvirt's to know.
  void read_secure_boot() {
    const auto of_flavor = specs_.word("os:secure_boot", {"required", "disabled", "optional"});
    if (image_.secure_boot && of_flavor && *image_.secure_boot != *of_flavor) {
      refuse("os_secure_boot", *image_.secure_boot, *of_flavor + ", which is the flavor's os:secure_boot");
    }
    const std::string wish = image_.secure_boot.value_or(of_flavor.value_or("disabled"));
    if (wish != "required" || !hardware_.has_uefi) return;
    if (hardware_.machine.find("q35") == std::string::npos) {
      refuse("os_secure_boot", wish, "required where hw_machine_type is a q35");
    }
    hardware_.has_secure_boot = true;
  }

  void read_processors() {
    hardware_.topology = topology();
    hardware_.hides_hypervisor = image_.hides_hypervisor.value_or(false) ||
                                 specs_.truth("hw:hide_hypervisor_id").value_or(false) ||
                                 specs_.truth("hide_hypervisor_id").value_or(false);
    const auto pmu = specs_.truth("hw:pmu");
    if (image_.pmu && pmu && *image_.pmu != *pmu) {
      refuse("hw_pmu", *image_.pmu ? "true" : "false", "what the flavor's hw:pmu is");
    }
    hardware_.has_pmu = pmu ? pmu : image_.pmu;
    hardware_.has_hpet = image_.hpet.value_or(false);
    const auto policy = specs_.word("hw:cpu_policy", {"dedicated", "shared", "mixed"});
    const std::string pinning = image_.cpu_policy.value_or(policy.value_or("shared"));
    if (pinning == "shared") return;
    hardware_.left_out.push_back("cpu_policy " + pinning + ": which of the node's processors it has wasn't told");
  }

  CpuTopology of_flavor(const std::string& prefix) const {
    const auto count = [&](const char* part) {
      return static_cast<std::uint64_t>(specs_.integer("hw:cpu_" + prefix + part, 0, kMostOfTopology).value_or(0));
    };
    return {.sockets = count("sockets"), .cores = count("cores"), .threads = count("threads")};
  }

  // nova/virt/hardware.py, get_cpu_topology_constraints and get_best_cpu_topology: an image may narrow what the flavor
  // allows, and its wish goes before the flavor's as a whole.
  CpuTopology topology() const {
    const CpuTopology image_most{.sockets = image_.cpu_max_sockets.value_or(0),
                                 .cores = image_.cpu_max_cores.value_or(0),
                                 .threads = image_.cpu_max_threads.value_or(0)};
    const CpuTopology flavor_most = of_flavor("max_");
    if (exceeds(image_most, flavor_most)) {
      refuse("hw_cpu_max_sockets, hw_cpu_max_cores, hw_cpu_max_threads", text_of(image_most),
             "within the flavor's: " + text_of(flavor_most) + " (0: no limit)");
    }
    const CpuTopology most =
        in_front(in_front(image_most, flavor_most), {kMostOfTopology, kMostOfTopology, kMostOfTopology});
    const CpuTopology image_wish{.sockets = image_.cpu_sockets.value_or(0),
                                 .cores = image_.cpu_cores.value_or(0),
                                 .threads = image_.cpu_threads.value_or(0)};
    if (exceeds(image_wish, most)) {
      refuse("hw_cpu_sockets, hw_cpu_cores, hw_cpu_threads", text_of(image_wish), "at most " + text_of(most));
    }
    CpuTopology wish = of_flavor("");
    if (exceeds(wish, most)) wish = {};
    if (image_wish != CpuTopology{}) wish = image_wish;
    if (const auto best = domain::best_topology(flavor_.vcpus, wish, most)) return *best;
    refuse("hw_cpu_max_sockets, hw_cpu_max_cores, hw_cpu_max_threads", text_of(most),
           fmt::format("what makes {} processors", flavor_.vcpus));
  }

  void read_devices() {
    hardware_.scsi_model = image_.scsi_model.value_or("");
    hardware_.has_guest_agent = image_.qemu_guest_agent.value_or(false);
    hardware_.video_model = image_.video_model.value_or("");
    if (specs_.truth("hw_rng:allowed").value_or(true)) {
      hardware_.random = {
          .rate_bytes = static_cast<std::uint64_t>(specs_.integer("hw_rng:rate_bytes", 0, kMost).value_or(0)),
          .rate_period = static_cast<std::uint64_t>(specs_.integer("hw_rng:rate_period", 0, kMost).value_or(0))};
    }
    const auto of_flavor = specs_.word("hw:watchdog_action", {"none", "pause", "poweroff", "reset", "disabled"});
    const std::string action = image_.watchdog_action.value_or(of_flavor.value_or("disabled"));
    if (action != "disabled") hardware_.watchdog_action = action;
  }

  // nova/virt/hardware.py, get_number_of_serial_ports.
  void read_serial_ports() {
    const auto of_flavor =
        static_cast<std::uint32_t>(specs_.integer("hw:serial_port_count", 0, kMostSerialPorts).value_or(0));
    const std::uint32_t of_image = image_.serial_port_count.value_or(0);
    if (of_flavor != 0 && of_image > of_flavor) {
      refuse("hw_serial_port_count", std::to_string(of_image),
             fmt::format("at most {}, which is the flavor's hw:serial_port_count", of_flavor));
    }
    if (const std::uint32_t ports = of_image != 0 ? of_image : of_flavor; ports != 0) hardware_.serial_ports = ports;
  }

  const ImageProperties& image_;
  const model::Flavor& flavor_;
  model::ExtraSpecs specs_;
  const domain::Hypervisor& hypervisor_;
  ErrorCode code_;
  UnmadeSecurity security_;
  domain::GuestHardware hardware_;
};

}  // namespace

domain::GuestHardware hardware_of(const ImageProperties& image, const model::Flavor& flavor,
                                  const domain::Hypervisor& hypervisor, ErrorCode code, UnmadeSecurity security) {
  return Builder(image, flavor, hypervisor, code, security).build();
}

}  // namespace basecache::provision
