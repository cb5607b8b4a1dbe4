#pragma once

#include <cstddef>

namespace basecache::inspect::test {

// What operator new has handed out and not got back, in a program that is linked with counted_memory.cpp: all threads.
std::size_t live_bytes();
// The most of it at once since the last reset_peak().
std::size_t peak_bytes();
void reset_peak();

// The most that was alive at once while `work` ran, beside what was alive before.
template <class Work>
std::size_t peak_of(Work&& work) {
  const std::size_t before = live_bytes();
  reset_peak();
  work();
  return peak_bytes() - before;
}

}  // namespace basecache::inspect::test
