#pragma once

#include <array>
#include <string_view>

// Versions of the OpenStack tree (nova/api/metadata/base.py, OPENSTACK_VERSIONS) that began something. They are dates,
// so they compare as text, and "latest" stands behind all of them.
namespace basecache::metadata {

inline constexpr std::string_view kGrizzly = "2013-04-04";
inline constexpr std::string_view kHavana = "2013-10-17";
inline constexpr std::string_view kLiberty = "2015-10-15";
inline constexpr std::string_view kNewtonOne = "2016-06-30";
inline constexpr std::string_view kNewtonTwo = "2016-10-06";
inline constexpr std::string_view kOcata = "2017-02-22";
inline constexpr std::string_view kRocky = "2018-08-27";
inline constexpr std::string_view kVictoria = "2020-10-14";

inline constexpr std::array<std::string_view, 10> kOpenstackVersions{
    "2012-08-10", kGrizzly, kHavana, kLiberty, kNewtonOne, kNewtonTwo, kOcata, kRocky, kVictoria, "latest"};

}  // namespace basecache::metadata
