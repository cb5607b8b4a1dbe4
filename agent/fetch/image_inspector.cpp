#include "agent/fetch/image_inspector.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

namespace basecache::fetch {

namespace {

constexpr std::string_view kDecidedBySetting = "virtual_size";
constexpr std::string_view kDecidedByRegistry = "declared_format";

// By the names of the checks that found something, whether any but those did.
bool names_another(const Error& error, std::initializer_list<std::string_view> those) {
  const auto checks = std::ranges::find(error.fields(), kChecksField, &std::pair<std::string, std::string>::first);
  if (checks == error.fields().end()) return false;
  std::istringstream names(checks->second);
  return std::any_of(std::istream_iterator<std::string>(names), {},
                     [&](const std::string& name) { return std::ranges::find(those, name) == those.end(); });
}

}  // namespace

bool is_lasting_refusal(const Error& error) { return names_another(error, {kDecidedBySetting}); }

bool blames_bytes(const Error& error) { return names_another(error, {kDecidedBySetting, kDecidedByRegistry}); }

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

}  // namespace basecache::fetch
