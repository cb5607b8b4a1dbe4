#pragma once

#include <chrono>
#include <map>
#include <mutex>

#include "agent/fetch/image_source.hpp"
#include "agent/prune/image_standing.hpp"

namespace basecache::registry {

// Asks the image's source, as ourselves: an image that only its owner may see is one that we aren't handed out. Nobody
// is kept waiting for long: a source that doesn't answer within five seconds, or says anything else, is left in peace
// for five minutes and so are all others; there are at most kMostQuestions in ten minutes; an answer holds for an hour.
class SourceStanding final : public prune::ImageStanding {
 public:
  static constexpr std::size_t kMostQuestions = 100;

  explicit SourceStanding(fetch::ImageSource& source) : source_(source) {}

  std::optional<std::string> withdrawn(const model::ImageRef& ref, const OpContext& op) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Answer {
    std::optional<std::string> withdrawn;
    Clock::time_point holds_until;
  };
  bool may_ask(Clock::time_point now);
  std::optional<std::string> ask(const model::ImageRef& ref, const OpContext& op);

  fetch::ImageSource& source_;
  std::mutex mutex_;  // one question at a time
  std::map<std::string, Answer> answers_;
  std::size_t questions_ = 0;
  Clock::time_point counted_until_ = {};
  Clock::time_point silent_until_ = {};
};

}  // namespace basecache::registry
