#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/path.hpp"
#include "agent/domain/domain.hpp"

namespace basecache::provision {

// The text of an instance's libvirt.xml; nothing: there is none. What is no file is somebody's too.
std::optional<std::string> standing_domain(const Path& file);

// The same to be shown. Nothing where there is no file; Error(storage_unusable) for one that isn't UTF-8.
std::optional<std::string> shown_domain(const Path& file);

// What stands there after a creation: what its caller gave, else what somebody else wrote, else `domain`. The request
// in it is that of `domain` over the one that stands there. It has none where that one had none: what was made with
// secrets isn't made again by a later request that has none of them; nor where it has more than 256 KiB, which is noted
// in the domain. Pure.
std::string domain_to_stand(std::string_view given, const std::optional<std::string>& standing, domain::Domain domain,
                            const domain::Hypervisor& hypervisor);

}  // namespace basecache::provision
