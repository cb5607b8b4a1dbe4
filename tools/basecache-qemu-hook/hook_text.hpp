#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/progress.hpp"

// What a hook says on stderr, which libvirt shows behind "unexpected exit status 1: " and passes on in one message: one
// short line.
namespace basecache::hook {

// With its line end.
inline constexpr std::size_t kLongestLine = 290;

// "basecache: WHY; HINT". Control bytes become blanks; what is too long is cut, WHY before HINT.
std::string failure_line(std::string_view why, std::string_view hint);

// How far the agent was when the hook could wait no longer.
std::string not_ready_line(const std::string& domain, const std::optional<Progress>& progress);

}  // namespace basecache::hook
