#include "agent/cache/image_inspector.hpp"

#include "agent/base/error.hpp"

namespace basecache::cache {

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
