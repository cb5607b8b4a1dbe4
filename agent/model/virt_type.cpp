#include "agent/model/virt_type.hpp"

namespace basecache::model {

std::string_view name_of(VirtType type) {
  switch (type) {
    case VirtType::kvm:
      return "kvm";
    case VirtType::qemu:
      return "qemu";
    case VirtType::lxc:
      return "lxc";
    case VirtType::uml:
      return "uml";
    case VirtType::parallels:
      return "parallels";
  }
  return "";
}

}  // namespace basecache::model
