#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "agent/fetch/image_inspector.hpp"
#include "backends/inspect/refusal.hpp"

namespace basecache::inspect {

// Collects what checks refuse, so that one look tells an image's owner everything. A body ends at the first thing it
// refuses; what doesn't depend on each other belongs in bodies of its own.
class Findings {
 public:
  // The most that are kept; a broken table would give millions.
  static constexpr std::size_t kMost = 32;

  // Whether the body refused nothing.
  template <class Body>
  bool check(Body body) {
    try {
      body();
      return true;
    } catch (Refusal& refusal) {
      add(std::move(refusal));
      return false;
    }
  }

  // What the body returns; nothing when it refused.
  template <class Body>
  auto value_of(Body body) -> std::optional<decltype(body())> {
    try {
      return body();
    } catch (Refusal& refusal) {
      add(std::move(refusal));
      return std::nullopt;
    }
  }

  bool none() const { return findings_.empty(); }
  std::vector<fetch::Finding> take() && { return std::move(findings_); }

 private:
  void add(Refusal&& refusal);

  std::vector<fetch::Finding> findings_;
};

}  // namespace basecache::inspect
