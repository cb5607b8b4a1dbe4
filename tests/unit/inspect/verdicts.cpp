#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "backends/inspect/format_inspector.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/inspect/counted_memory.hpp"

// What the inspector says of each file named on standard input, one a line, when it is shown the file in blocks of
// several sizes; both looks. Answers with one line a file, in the same order:
// {"file", "reports": [{"block", "format", "safe", "virtual_size", "memory", "findings": [{"check", "detail"}]}]};
// "memory": the most bytes that were allocated at once.
// The corpus of tests/data has some hundred files; a process for each and each block size would take minutes.
namespace basecache::inspect::test {
namespace {

using nlohmann::json;

struct BlockSize {
  std::size_t bytes;
  std::uint64_t longest_file;  // a call for a few bytes takes some nanoseconds, which add up to seconds
};

constexpr std::array<BlockSize, 5> kBlockSizes{{{mebibytes(1).count, ~std::uint64_t{0}},
                                                {kibibytes(64).count, ~std::uint64_t{0}},
                                                {512, mebibytes(64).count},
                                                {17, mebibytes(16).count},
                                                {1, mebibytes(1).count + kibibytes(512).count}}};

// `bytes`: room to read blocks into.
fetch::InspectionReport inspect(const Path& path, std::size_t block, std::vector<std::byte>& bytes) {
  const FormatInspector inspector;
  const auto inspection = inspector.begin();
  const UniqueFd file = open_file(path, O_RDONLY);
  for (off_t at = 0;;) {
    const std::size_t count = read_at(file.get(), bytes, at, path);
    if (count == 0) break;
    const std::span<const std::byte> got = std::span(bytes).first(count);
    for (std::size_t i = 0; i < count; i += block) inspection->feed(got.subspan(i, std::min(block, count - i)));
    at += static_cast<off_t>(count);
  }
  return with_tables(inspection->finish(std::nullopt, model::ImageUse::disk), inspector, path,
                     basecache::test::test_operation());
}

json report_on(const Path& path, std::size_t block) {
  std::vector<std::byte> bytes(mebibytes(1).count / block * block);  // read in few calls, shown in many
  fetch::InspectionReport report;
  const std::size_t memory = peak_of([&] { report = inspect(path, block, bytes); });
  json findings = json::array();
  for (const fetch::Finding& finding : report.findings) {
    findings.push_back({{"check", finding.check}, {"detail", finding.detail}});
  }
  return {{"block", block},        {"format", report.format},
          {"safe", report.safe()}, {"virtual_size", report.verdict.virtual_size.count},
          {"memory", memory},      {"findings", std::move(findings)}};
}

json verdict_on(const std::string& name) {
  const std::uint64_t length = sizes_of(name).apparent.count;
  json reports = json::array();
  for (const BlockSize& block : kBlockSizes) {
    if (length <= block.longest_file) reports.push_back(report_on(name, block.bytes));
  }
  return {{"file", name}, {"reports", std::move(reports)}};
}

}  // namespace
}  // namespace basecache::inspect::test

int main() {
  try {
    // Names in messages may hold anything.
    for (std::string name; std::getline(std::cin, name);) {
      std::cout << basecache::inspect::test::verdict_on(name).dump(-1, ' ', true,
                                                                   nlohmann::json::error_handler_t::replace)
                << std::endl;
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "verdicts: " << error.what() << '\n';
    return 1;
  }
}
