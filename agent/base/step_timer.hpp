#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace basecache {

struct Step {
  std::string name;  // "fetch", "convert", "disk:overlay" ...
  std::chrono::nanoseconds duration{};
};

// The time of each step of one operation, in order. One operation, one thread: not shared.
class StepTimer {
 public:
  class Scope {
   public:
    Scope(StepTimer& timer, std::string name);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    StepTimer& timer_;
    std::string name_;
    std::chrono::steady_clock::time_point begin_;
  };

  // Measures until the returned scope ends, failures included.
  [[nodiscard]] Scope measure(std::string name) { return Scope(*this, std::move(name)); }
  void add(Step step) { steps_.push_back(std::move(step)); }
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

}  // namespace basecache
