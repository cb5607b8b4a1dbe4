#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/digest.hpp"
#include "agent/model/device_metadata.hpp"
#include "agent/model/disk_format.hpp"
#include "agent/model/image.hpp"
#include "agent/model/image_meta.hpp"
#include "agent/model/network_model.hpp"

namespace basecache::model {

// A validated instance UUID; also the name of its directory.
class InstanceId {
 public:
  static InstanceId parse(std::string_view text, std::string_view field);  // Error(invalid_request)
  const std::string& text() const { return text_; }
  friend bool operator==(const InstanceId&, const InstanceId&) = default;

 private:
  explicit InstanceId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// What a rescue's disks are called behind their names. Error(invalid_request) for any other text but, where
// `may_be_empty`, none.
std::string parse_suffix(std::string_view text, bool may_be_empty);

struct Flavor {
  std::uint64_t root_gb = 0;       // GiB; 0: the image's own size
  std::uint64_t ephemeral_gb = 0;  // GiB; 0: none
  std::uint64_t swap_mb = 0;       // MiB; 0: none ("swap" in a request, Nova's word)
  std::uint64_t memory_mb = 512;   // MiB
  std::uint64_t vcpus = 1;
  std::string name = {};  // told to the guest; "" unknown
  // As Nova has them: "quota:disk_read_bytes_sec" -> "1048576". Those that nobody here reads are carried.
  std::map<std::string, std::string> extra_specs = {};
};

// block_device_info as nova/virt/driver.py describes it.
struct EphemeralDevice {
  std::uint64_t size_gb = 0;
  std::string device_name;                  // "/dev/vdb"; "" when the caller leaves it open
  std::optional<std::string> guest_format;  // asked for: one of supported_guest_formats()
};
struct SwapDevice {
  std::string device_name;
  std::uint64_t swap_mb = 0;
};
struct VolumeDevice {
  std::string mount_device;  // "/dev/vda"
  bool is_booted = false;    // boot_index 0: the root device, whatever root_device_name says
};
struct BlockDevices {
  std::string root_device_name;  // "/dev/vda"; "" when open
  std::vector<EphemeralDevice> ephemerals;
  std::optional<SwapDevice> swap;
  std::vector<VolumeDevice> volumes;  // block_device_mapping
};

struct InjectedFile {
  std::string path;  // absolute, inside the guest
  std::string contents;
};

// Names that the EC2 API has for an instance and its images, which only Nova's database knows. "": not told.
struct Ec2Ids {
  std::string instance_id;  // "i-0000001f"
  std::string ami_id;
  std::string kernel_id;
  std::string ramdisk_id;
};

// Everything a creation asks for, in Nova's words. Made only by make(): holding one means that it is valid.
struct InstanceSpec {
  InstanceId uuid;
  std::string name = {};                   // display name; hostname is made from it
  std::optional<ImageRef> image_ref = {};  // absent: booted from volume
  std::optional<Digest> checksum = {};     // of the image's bytes, when the caller knows it
  std::optional<ImageRef> kernel_id = {};
  std::optional<ImageRef> ramdisk_id = {};   // of no use without a kernel
  bool without_kernel = false;               // kernel_id "nokernel": not the image's either
  std::optional<ImageMeta> image_meta = {};  // goes before the registry's; a volume's, where it boots from one
  std::string os_type = {};                  // "linux", "windows", "" unknown
  Flavor flavor = {};
  BlockDevices block_device_info = {};
  std::optional<ImagesType> images_type = {};  // absent: as configured
  std::string ephemeral_key_uuid = {};         // of encrypted volumes; "": none
  std::string suffix = {};                     // ".rescue" or ""
  bool config_drive = false;                   // wanted by the caller; the configuration may force it besides
  bool refresh_config_drive = false;           // made anew, also where there is one
  std::map<std::string, std::string> metadata = {};
  std::string user_data = {};  // decoded bytes
  std::vector<InjectedFile> injected_files = {};
  std::string admin_pass = {};
  std::string key_name = {};
  std::string key_data = {};
  std::string key_type = "ssh";  // or "x509"
  std::vector<Vif> network_info = {};
  std::string network_data = {};  // network_data.json as given (JSON text), before network_info; "" for none
  std::string availability_zone = {};
  std::string project_id = {};
  std::string hostname = {};
  std::uint64_t launch_index = 0;          // which of the instances that one request started
  std::string vendor_data = {};            // as given (JSON text); "" for none
  std::string vendor_data2 = {};           // the same
  std::vector<TaggedDevice> devices = {};  // device_metadata
  std::set<unsigned> dedicated_cpus = {};  // host CPUs that belong to the guest alone
  std::string reservation_id = {};
  std::vector<std::string> security_groups = {};  // their names
  Ec2Ids ec2_ids = {};
  // The request itself as JSON text, by which the same instance could be made again: without its uuid, and without what
  // only one creation is to do. "" where it held anything secret (repeatable_request.hpp).
  std::string repeatable = {};
  std::string libvirt_xml = {};  // the domain as the caller has it (XML text); "": one is made

  // From the JSON object of a creation request. Every rule about a request is checked here and
  // nowhere else; Error(invalid_request) names the field. user_data and injected file contents arrive base64-encoded,
  // as in Nova's API.
  static InstanceSpec make(const nlohmann::json& request);
};

}  // namespace basecache::model
