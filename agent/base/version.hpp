#pragma once

namespace basecache {

// Given by meson.build (project version).
inline constexpr const char* kVersion = BASECACHE_VERSION;

}  // namespace basecache
