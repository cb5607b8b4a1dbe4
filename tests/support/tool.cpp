#include "tests/support/tool.hpp"

#include <utility>

#include "agent/base/subprocess.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::test {

std::string run_tool(std::vector<std::string> argv) {
  const Command command{.argv = std::move(argv)};
  return run_checked(command, test_operation(), "run a tool of the test").output;
}

}  // namespace basecache::test
