#pragma once

namespace basecache::test {

// ThreadSanitizer makes a fork of vfork: what a child says between that and exec, in memory that it no longer shares,
// doesn't reach us.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kVforkIsFork = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kVforkIsFork = true;
#else
inline constexpr bool kVforkIsFork = false;
#endif
#else
inline constexpr bool kVforkIsFork = false;
#endif

}  // namespace basecache::test
