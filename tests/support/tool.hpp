#pragma once

#include <string>
#include <vector>

namespace basecache::test {

// Runs a tool that must succeed, found in PATH; what it says on its standard output.
std::string run_tool(std::vector<std::string> argv);

}  // namespace basecache::test
