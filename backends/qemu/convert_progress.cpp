#include "backends/qemu/convert_progress.hpp"

#include <algorithm>

#include "agent/base/text.hpp"

namespace basecache::qemu {
namespace {

constexpr std::size_t kLongestReport = 64;
constexpr std::string_view kReportEnd = "/100%)";

// "12.34" -> 1234. QEMU prints two decimals.
std::optional<std::uint64_t> hundredths(std::string_view percent) {
  const std::size_t dot = percent.find('.');
  if (dot == std::string_view::npos || percent.size() != dot + 3) return std::nullopt;
  const auto whole = parse_unsigned(percent.substr(0, dot));
  const auto decimals = parse_unsigned(percent.substr(dot + 1));
  if (!whole || !decimals || *whole > 100) return std::nullopt;
  return *whole * 100 + *decimals;
}

// The number of the last complete report in `text`.
std::optional<std::uint64_t> last_report(std::string_view text) {
  const std::size_t end = text.rfind(kReportEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const std::size_t begin = text.rfind('(', end);
  if (begin == std::string_view::npos) return std::nullopt;
  return hundredths(text.substr(begin + 1, end - begin - 1));
}

}  // namespace

std::optional<Bytes> ConvertProgress::feed(std::string_view chunk) {
  pending_ += chunk;
  const auto report = last_report(pending_);
  if (const std::size_t end = pending_.rfind(kReportEnd); end != std::string::npos) {
    pending_.erase(0, end + kReportEnd.size());
  }
  if (pending_.size() > kLongestReport) pending_.erase(0, pending_.size() - kLongestReport);
  if (!report) return std::nullopt;
  // Divided first: virtual sizes may be as large as 2^63.
  return Bytes{std::min(total_.count, total_.count / 10000 * *report + total_.count % 10000 * *report / 10000)};
}

}  // namespace basecache::qemu
