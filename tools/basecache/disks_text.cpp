#include "tools/basecache/disks_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"
#include "tools/basecache/table.hpp"

namespace basecache::cli {
namespace {

constexpr double kWorthTelling = 0.005;  // seconds; --json has every step

}  // namespace

std::string disks_text(const nlohmann::json& answer) {
  Table table({"DISK", "FORMAT", "SIZE", "HOW", "PATH"});
  for (const auto& disk : answer["disks"]) {
    table.add({disk["name"], disk["format"], to_text(Bytes{disk["size_bytes"].get<std::uint64_t>()}), disk["how"],
               disk["path"]});
  }
  return table.text() + steps_text(answer);
}

std::string steps_text(const nlohmann::json& answer) {
  if (!answer.contains("steps")) return "";
  std::string text;
  for (const auto& step : answer["steps"]) {
    if (step["seconds"].get<double>() < kWorthTelling) continue;
    text += fmt::format("{}{} {:.2f} s", text.empty() ? "" : ", ", step["name"].get<std::string>(),
                        step["seconds"].get<double>());
  }
  text = fmt::format("{}{}{:.2f} s in all\n", text, text.empty() ? "" : "; ", answer["seconds"].get<double>());
  if (answer.contains("notes")) {
    for (const auto& note : answer["notes"]) text += fmt::format("note: {}\n", note.get<std::string>());
  }
  return text;
}

}  // namespace basecache::cli
