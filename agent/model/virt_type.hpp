#pragma once

#include <string_view>

namespace basecache::model {

// What runs the instances of this node ([libvirt] virt_type).
enum class VirtType { kvm, qemu, lxc, uml, parallels };

// libvirt's name of it, also Nova's.
std::string_view name_of(VirtType type);

}  // namespace basecache::model
