#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace basecache {

// A number of bytes. Sizes never travel as bare integers; GiB and MiB are spelt where they enter.
struct Bytes {
  std::uint64_t count = 0;

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
};

constexpr Bytes kibibytes(std::uint64_t n) { return {n << 10}; }
constexpr Bytes mebibytes(std::uint64_t n) { return {n << 20}; }
constexpr Bytes gibibytes(std::uint64_t n) { return {n << 30}; }

// For people: "4 GiB", "576.2 MiB", "0 B".
std::string to_text(Bytes size);

}  // namespace basecache
