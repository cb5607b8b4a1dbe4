#pragma once

// How a domain's <metadata> says that basecache makes its disks:
//
//   <basecache:instance xmlns:basecache="https://basecache.dev/xmlns/instance/1">JSON</basecache:instance>
//
// JSON is a creation request (README, "creation request"), without uuid or with the domain's own. An empty element: the
// instance is kept by us, and nothing is to be made.
namespace basecache::domain {

inline constexpr const char* kInstanceNamespace = "https://basecache.dev/xmlns/instance/1";
inline constexpr const char* kInstancePrefix = "basecache";
inline constexpr const char* kInstanceElement = "instance";

}  // namespace basecache::domain
