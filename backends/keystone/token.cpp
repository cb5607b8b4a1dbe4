#include "backends/keystone/token.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/json_fields.hpp"

namespace basecache::keystone {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds kLongestLife = std::chrono::hours(24 * 365);  // a hostile one must not overflow a clock
constexpr std::size_t kLongestAnswer = 4 * 1024 * 1024;         // the catalog of a large cloud has some hundred KiB

// As much of "2026-11-21T23:50:17.000000Z" as counts; Keystone writes UTC only.
std::optional<std::chrono::sys_seconds> parse_time(std::string_view text) {
  constexpr std::string_view kPattern = "0000-00-00T00:00:00";
  if (text.size() <= kPattern.size() || !text.ends_with('Z')) return std::nullopt;
  constexpr std::array<std::size_t, 6> kStarts = {0, 5, 8, 11, 14, 17};
  std::array<int, kStarts.size()> numbers{};
  for (std::size_t i = 0; i < kStarts.size(); ++i) {
    const auto number = parse_unsigned(text.substr(kStarts[i], i == 0 ? 4 : 2));
    if (!number) return std::nullopt;
    numbers[i] = static_cast<int>(*number);
  }
  const std::chrono::year_month_day day{std::chrono::year(numbers[0]),
                                        std::chrono::month(static_cast<unsigned>(numbers[1])),
                                        std::chrono::day(static_cast<unsigned>(numbers[2]))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(numbers[3]) + std::chrono::minutes(numbers[4]) +
         seconds(numbers[5]);
}

}  // namespace

std::optional<Token> token_from(const std::string& subject_token, const std::string& body) {
  if (subject_token.empty() || body.size() > kLongestAnswer) return std::nullopt;
  try {
    const json answer = model::parse_json(body, "the token");
    const json& token = answer.at("token");
    const auto issued = parse_time(token.at("issued_at").get<std::string>());
    const auto expires = parse_time(token.at("expires_at").get<std::string>());
    if (!issued || !expires) return std::nullopt;
    return Token{.id = Secret(subject_token),
                 .life = std::clamp(*expires - *issued, seconds(0), kLongestLife),
                 .catalog = token.contains("catalog") ? catalog_from(token["catalog"]) : Catalog()};
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace basecache::keystone
