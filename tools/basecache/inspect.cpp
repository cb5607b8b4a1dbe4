#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "agent/api/error_response.hpp"
#include "agent/base/byte_size.hpp"
#include "tools/basecache/attended.hpp"
#include "tools/basecache/commands.hpp"
#include "tools/basecache/complaint.hpp"
#include "tools/basecache/file_inspection.hpp"

namespace basecache::cli {
namespace {

using nlohmann::json;

struct InspectOptions {
  std::string file, claimed;
};

// {"format","safe","virtual_size","findings":[{"check","detail","hint"}]}; the size is null where it can't be told.
json report_json(const fetch::InspectionReport& report) {
  json findings = json::array();
  for (const fetch::Finding& finding : report.findings) {
    findings.push_back({{"check", finding.check}, {"detail", finding.detail}, {"hint", finding.hint}});
  }
  json answer = {{"format", report.format}, {"safe", report.safe()}, {"virtual_size", nullptr}};
  if (const Bytes size = report.verdict.virtual_size; size.count > 0) answer["virtual_size"] = size.count;
  answer["findings"] = std::move(findings);
  return answer;
}

std::string report_text(const json& report) {
  const json& size = report["virtual_size"];
  std::string text =
      fmt::format("{} {}{}\n", report["safe"].get<bool>() ? "safe:" : "refused:", report["format"].get<std::string>(),
                  size.is_null() ? "" : ", a disk of " + to_text(Bytes{size.get<std::uint64_t>()}));
  for (const json& finding : report["findings"]) {
    text += fmt::format("  {}: {}\n    {}\n", finding["check"].get<std::string>(), finding["detail"].get<std::string>(),
                        finding["hint"].get<std::string>());
  }
  return text;
}

void inspect(const InspectOptions& options, Session& session) {
  const Path file = image_file(options.file);
  const Bytes largest_disk = session.config().max_virtual_size;
  const fetch::InspectionReport report = attended(
      session, "inspect", [&](OpContext& op) { return inspect_file(file, options.claimed, largest_disk, op); });
  session.show(report_json(report), report_text);
  if (!report.safe()) throw Told{api::answer_to(ErrorCode::image_unacceptable).exit_code};
}

}  // namespace

void add_inspect(Command root, Session& session) {
  Command command = root.command("inspect", "say what an image file is, and whether it would be taken");
  const auto options = std::make_shared<InspectOptions>();
  command.argument("file", options->file, "the image");
  command.option("--claimed", options->claimed,
                 "what it is said to be: raw, qcow2, vmdk, vhd, vhdx, vdi, iso, ami ...");
  command.action([options, &session] { inspect(*options, session); });
}

}  // namespace basecache::cli
