#include "agent/image/image_properties.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/text.hpp"
#include "agent/image/device_fields.hpp"
#include "agent/image/property_reader.hpp"

namespace basecache::image {
namespace {

using nlohmann::json;
using Words = std::vector<std::string_view>;

// nova/virt/libvirt/driver.py, ALLOWED_QEMU_SERIAL_PORTS.
constexpr std::uint32_t kMostSerialPorts = 4;
// nova/virt/hardware.py: the limit where neither flavor nor image has one.
constexpr std::uint32_t kMostOfTopology = 65536;

// The sets are those of nova/objects/fields.py.
const Words& scsi_models() {
  static const Words words{"buslogic", "ibmvscsi", "lsilogic", "lsisas1068", "lsisas1078", "virtio-scsi", "vmpvscsi"};
  return words;
}

const Words& vif_models() {
  static const Words words{"virtio",   "ne2k_pci",   "pcnet",   "rtl8139", "e1000",  "e1000e",
                           "netfront", "spapr-vlan", "lan9118", "sriov",   "vmxnet", "vmxnet3"};
  return words;
}

const Words& video_models() {
  static const Words words{"cirrus", "qxl", "vga", "vmvga", "xen", "virtio", "gop", "none", "bochs"};
  return words;
}

const Words& architectures() {
  static const Words words{"alpha",  "armv6",  "armv7l",   "armv7b",   "aarch64",    "cris",         "i686",
                           "ia64",   "lm32",   "m68k",     "mips",     "microblaze", "microblazeel", "mipsel",
                           "mips64", "ppc",    "mips64el", "openrisc", "parisc",     "parisc64",     "ppcle",
                           "ppc64",  "ppcemb", "ppc64le",  "s390",     "s390x",      "sh4",          "sh4eb",
                           "sparc",  "xtensa", "sparc64",  "x86_64",   "unicore32",  "xtensaeb"};
  return words;
}

using Spelling = std::pair<std::string_view, std::string_view>;

// What the word is called today: whole, in lower case.
std::string today(const std::string& word, const std::vector<Spelling>& spellings) {
  std::string plain = lower_case(word);
  const auto found = std::ranges::find(spellings, std::string_view(plain), &Spelling::first);
  return found == spellings.end() ? plain : std::string(found->second);
}

const std::vector<Spelling>& scsi_spellings() {
  static const std::vector<Spelling> spellings{{"lsilogicsas", "lsisas1068"}, {"paravirtual", "vmpvscsi"}};
  return spellings;
}

const std::vector<Spelling>& vif_spellings() {
  static const std::vector<Spelling> spellings{{"virtuale1000", "e1000"},     {"virtuale1000e", "e1000e"},
                                               {"virtualpcnet32", "pcnet"},   {"virtualvmxnet", "vmxnet"},
                                               {"virtualvmxnet3", "vmxnet3"}, {"virtualsriovethernetcard", "sriov"}};
  return spellings;
}

const std::vector<Spelling>& architecture_spellings() {
  static const std::vector<Spelling> spellings{{"i386", "i686"},   {"i486", "i686"},    {"i586", "i686"},
                                               {"x86_32", "i686"}, {"x86_32p", "i686"}, {"amd64", "x86_64"}};
  return spellings;
}

class Parser {
 public:
  Parser(const std::map<std::string, std::string>& properties, ErrorCode code) : read_(properties, code) {}

  ImageProperties parse() {
    read_buses();
    read_devices();
    read_processors();
    read_system();
    read_boot_files();
    read_block_devices();
    read_unmade();
    return std::move(image_);
  }

 private:
  // In whatever case and of whatever age.
  std::optional<std::string> word(const std::string& name, const std::string* value, const Words& allowed,
                                  const std::vector<Spelling>& spellings) const {
    if (value == nullptr) return std::nullopt;
    std::string plain = today(*value, spellings);
    if (std::ranges::find(allowed, plain) == allowed.end()) read_.refuse(name, *value, allowed);
    return plain;
  }

  std::optional<model::DiskBus> bus(const std::string& name) const {
    const auto value = read_.word(name, model::disk_bus_names());
    return value ? model::disk_bus_from(*value) : std::nullopt;
  }

  // What VMware's driver called it comes first, and is overruled by the names of today.
  void read_buses() {
    if (const std::string* adapter = read_.find("vmware_adaptertype"); adapter != nullptr && !adapter->empty()) {
      const bool is_ide = *adapter == "ide";
      image_.disk_bus = is_ide ? model::DiskBus::ide : model::DiskBus::scsi;
      if (!is_ide) image_.scsi_model = word("vmware_adaptertype", adapter, scsi_models(), scsi_spellings());
    }
    if (const auto told = bus("hw_disk_bus")) image_.disk_bus = told;
    image_.cdrom_bus = bus("hw_cdrom_bus");
    if (const std::string* model = read_.find("hw_scsi_model")) {
      image_.scsi_model = word("hw_scsi_model", model, scsi_models(), scsi_spellings());
    }
  }

  void read_devices() {
    image_.vif_model = word("hw_vif_model", read_.find("hw_vif_model"), vif_models(), vif_spellings());
    image_.machine_type = read_.name_like("hw_machine_type", "._-");
    image_.firmware_type = read_.word("hw_firmware_type", {"uefi", "bios"});
    image_.secure_boot = read_.word("os_secure_boot", {"required", "disabled", "optional"});
    image_.hpet = read_.truth("hw_time_hpet");
    image_.pmu = read_.truth("hw_pmu");
    image_.hides_hypervisor = read_.truth("img_hide_hypervisor_id");
    image_.rng_model = read_.word("hw_rng_model", {"virtio"});
    image_.watchdog_action = read_.word("hw_watchdog_action", {"none", "pause", "poweroff", "reset", "disabled"});
    image_.video_model = read_.word("hw_video_model", video_models());
    image_.boot_menu = read_.truth("hw_boot_menu");
    image_.qemu_guest_agent = read_.truth("hw_qemu_guest_agent");
    image_.require_quiesce = read_.truth("os_require_quiesce");
    image_.serial_port_count = read_.number("hw_serial_port_count", 0, kMostSerialPorts);
  }

  void read_processors() {
    using Count = std::optional<std::uint32_t>;
    const std::pair<const char*, Count*> counts[] = {
        {"hw_cpu_sockets", &image_.cpu_sockets},     {"hw_cpu_cores", &image_.cpu_cores},
        {"hw_cpu_threads", &image_.cpu_threads},     {"hw_cpu_max_sockets", &image_.cpu_max_sockets},
        {"hw_cpu_max_cores", &image_.cpu_max_cores}, {"hw_cpu_max_threads", &image_.cpu_max_threads}};
    for (const auto& [name, count] : counts) *count = read_.number(name, 1, kMostOfTopology);
    image_.cpu_policy = read_.word("hw_cpu_policy", {"dedicated", "shared", "mixed"});
    image_.cpu_thread_policy = read_.word("hw_cpu_thread_policy", {"prefer", "isolate", "require"});
    image_.cpu_realtime_mask = read_.name_like("hw_cpu_realtime_mask", "^,-");
  }

  void read_system() {
    if (const std::string* distro = read_.find("os_distro", "vmware_ostype")) image_.os_distro = *distro;
    image_.os_type = word("os_type", read_.find("os_type"), {"linux", "windows"}, {});
    image_.architecture = word("hw_architecture", read_.find("hw_architecture", "architecture"), architectures(),
                               architecture_spellings());
    image_.emulation = word("hw_emulation_architecture", read_.find("hw_emulation_architecture"), architectures(),
                            architecture_spellings());
    const auto policy = read_.word("img_config_drive", {"optional", "mandatory"});
    if (policy == "mandatory") image_.config_drive = ConfigDrivePolicy::mandatory;
  }

  // Its owner must not make this node fetch any URL.
  std::optional<model::ImageRef> boot_file(const std::string& name) const {
    const std::string* value = read_.find(name);
    if (value == nullptr || value->empty()) return std::nullopt;
    const std::string id = lower_case(*value);
    if (!is_uuid(id)) read_.refuse(name, *value, "the UUID of an image (kernel_id: or nokernel)");
    return model::ImageRef::parse(id, name);
  }

  void read_boot_files() {
    image_.command_line = read_.line("os_command_line");
    const std::string* kernel = read_.find("kernel_id");
    image_.without_kernel = kernel != nullptr && *kernel == "nokernel";
    if (!image_.without_kernel) image_.kernel_id = boot_file("kernel_id");
    // It may still go with a kernel that a request names; else what stands there is nobody's.
    const std::string* ramdisk = read_.find("ramdisk_id");
    if (image_.without_kernel && (ramdisk == nullptr || !is_uuid(lower_case(*ramdisk)))) return;
    image_.ramdisk_id = boot_file("ramdisk_id");
  }

  // nova/block_device.py, properties_root_device_name.
  void read_block_devices() {
    image_.block_devices = ImageBlockDevices::parse(read_);
    for (const json& item : read_.objects("img_mappings", "mappings")) {
      const auto role = item.find("virtual");
      const auto device = item.find("device");
      if (role == item.end() || *role != "root" || device == item.end() || !device->is_string()) continue;
      set_root_device("mappings", device->get<std::string>());
    }
    if (const std::string* name = read_.find("img_root_device_name", "root_device_name")) {
      set_root_device("root_device_name", *name);
    }
  }

  void read_unmade() {
    for (const char* name : {"hw_tpm_version", "hw_tpm_model"}) {
      if (read_.find(name) != nullptr) image_.unmade_security.emplace_back(name);
    }
    if (read_.truth("hw_mem_encryption").value_or(false)) image_.unmade_security.emplace_back("hw_mem_encryption");
    for (const char* name : {"hw_video_ram", "hw_mem_page_size", "hw_numa_nodes", "hw_locked_memory", "hw_viommu_model",
                             "hw_input_bus", "hw_pointer_model"}) {
      if (read_.find(name) != nullptr) image_.unmade.emplace_back(name);
    }
  }

  void set_root_device(const std::string& property, const std::string& name) {
    if (!is_device_name(name)) read_.refuse(property, name, "a device name like '/dev/vda'");
    image_.root_device_name = name;
  }

  PropertyReader read_;
  ImageProperties image_;
};

}  // namespace

ImageProperties ImageProperties::parse(const std::map<std::string, std::string>& properties, ErrorCode code) {
  return Parser(properties, code).parse();
}

}  // namespace basecache::image
