#include "agent/cache/image_inspector.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace basecache::cache {

// By their names: [basecache] max_virtual_size decides the one, the registry's record the other.
bool blames_bytes(const Error& error) {
  const auto checks =
      std::ranges::find(error.fields(), std::string(kChecksField), &std::pair<std::string, std::string>::first);
  if (checks == error.fields().end()) return false;
  std::istringstream names(checks->second);
  return std::any_of(std::istream_iterator<std::string>(names), {},
                     [](const std::string& name) { return name != "virtual_size" && name != "declared_format"; });
}

const InspectionVerdict& InspectionReport::require_safe() const {
  if (safe()) return verdict;
  std::string details;
  std::string checks;
  for (const Finding& finding : findings) {
    details += (details.empty() ? "" : "; ") + finding.detail;
    checks += (checks.empty() ? "" : " ") + finding.check;
  }
  throw Error(ErrorCode::image_unacceptable, "cannot take the image: " + details)
      .set_hint(findings.front().hint)
      .add_field("found_format", format)
      .add_field(kChecksField, checks);
}

InspectionReport with_tables(InspectionReport report, const ImageInspector& inspector, const Path& image,
                             const OpContext& op) {
  if (report.safe()) report.findings = inspector.check_tables(image, report.verdict.format, op);
  return report;
}

}  // namespace basecache::cache
