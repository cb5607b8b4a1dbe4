#include "backends/inspect/findings.hpp"

#include <algorithm>
#include <string>

namespace basecache::inspect {

void Findings::add(Refusal&& refusal) {
  fetch::Finding finding{std::string(name_of(refusal.check)), std::move(refusal.found), std::move(refusal.hint)};
  const bool known = std::ranges::find(findings_, finding) != findings_.end();
  if (!known && findings_.size() < kMost) findings_.push_back(std::move(finding));
}

}  // namespace basecache::inspect
