#pragma once

namespace basecache::inspect {

// The version of all rules of this room together. Raise it in the same change that makes the inspector refuse something
// it took before: a check, a format that is recognised, a stricter limit. Base files that passed an older version are
// inspected again before their next use, and images that an older one refused are fetched again. A rule that only takes
// more needs no new version, unless images that were refused should be taken at once rather than a day later.
//
//   1  the first that is counted: every check of refusal.hpp, allocation tables included
inline constexpr unsigned kRuleSet = 1;

}  // namespace basecache::inspect
