#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/base/op_context.hpp"
#include "agent/base/path.hpp"

namespace basecache::test {

// A fresh directory for one test case, removed with all it holds.
class ScratchDir {
 public:
  ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir();

  const Path& path() const { return path_; }
  Path operator/(std::string_view name) const { return path_ / std::string(name); }

 private:
  Path path_;
};

void write_file(const Path& path, std::string_view content);
std::string read_file(const Path& path);

// An operation that nobody cancels, with a minute to live.
inline OpContext test_operation(std::stop_token stop = {}, ProgressSink progress = {}) {
  return OpContext("test", std::move(stop), OpContext::Clock::now() + std::chrono::minutes(1), std::move(progress));
}

}  // namespace basecache::test
