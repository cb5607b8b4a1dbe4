#pragma once

#include <chrono>
#include <string>

#include "agent/base/progress.hpp"

namespace basecache::cli {

// One line at the foot of a terminal that follows long work; nothing where stderr is no terminal.
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();  // wipes the line

  void show(const Progress& progress);

 private:
  const bool shown_;
  std::string step_;
  std::chrono::steady_clock::time_point step_began_;
  std::chrono::steady_clock::time_point next_draw_;
};

// "fetch  cirros  [======>    ]  57%  12 MiB of 21 MiB  8.1 MiB/s"; `columns` at most. Pure.
std::string progress_line(const Progress& progress, std::chrono::duration<double> running, std::size_t columns);

}  // namespace basecache::cli
