#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "agent/model/device_metadata.hpp"

namespace basecache::metadata {

// "devices" of meta_data.json as that version of the OpenStack tree has it: vlan from 2017-02-22 on, vf_trusted (of
// every nic, and so also those without tags) from 2018-08-27 on. nova/api/metadata/base.py, _get_device_metadata.
nlohmann::json device_list(const std::vector<model::TaggedDevice>& devices, std::string_view version);

}  // namespace basecache::metadata
