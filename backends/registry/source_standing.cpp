#include "backends/registry/source_standing.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace basecache::registry {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::minutes kSilence{5};
constexpr std::chrono::minutes kCountedFor{10};
constexpr std::chrono::hours kAnswerHolds{1};

// As glance/image_status.hpp tells it.
bool is_deactivated(const Error& error) {
  return std::ranges::any_of(
      error.fields(), [](const auto& field) { return field.first == "status" && field.second == "deactivated"; });
}

// As directory_registry.hpp tells it.
bool is_of_no_registry(const Error& error) {
  return std::ranges::any_of(error.fields(),
                             [](const auto& field) { return field.first == "registry" && field.second == "missing"; });
}

}  // namespace

std::optional<std::string> SourceStanding::withdrawn(const model::ImageRef& ref, const OpContext& op) {
  const std::scoped_lock guard(mutex_);
  const Clock::time_point now = Clock::now();
  std::erase_if(answers_, [&](const auto& answer) { return answer.second.holds_until < now; });
  if (const auto known = answers_.find(ref.text()); known != answers_.end()) return known->second.withdrawn;
  if (!may_ask(now)) return std::nullopt;
  try {
    const Answer answer{.withdrawn = ask(ref, op), .holds_until = now + kAnswerHolds};
    answers_.emplace(ref.text(), answer);
    return answer.withdrawn;
  } catch (const Error&) {
    op.check();
    silent_until_ = Clock::now() + kSilence;
    return std::nullopt;
  }
}

bool SourceStanding::may_ask(Clock::time_point now) {
  if (now < silent_until_) return false;
  if (now >= counted_until_) {
    counted_until_ = now + kCountedFor;
    questions_ = 0;
  }
  return questions_++ < kMostQuestions;
}

std::optional<std::string> SourceStanding::ask(const model::ImageRef& ref, const OpContext& op) {
  OpContext question(op.id(), op.stop(), std::min(op.deadline(), Clock::now() + kPatience));
  try {
    (void)source_.describe(ref, question);
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::image_not_found && is_of_no_registry(error)) return std::nullopt;
    if (error.code() == ErrorCode::image_not_found) return "its image is gone where it came from, or not ours to see";
    if (is_deactivated(error)) return "its image was deactivated";
    if (error.code() == ErrorCode::source_unavailable || error.code() == ErrorCode::timed_out) throw;
    return std::nullopt;  // it is there, in whatever state
  }
}

}  // namespace basecache::registry
