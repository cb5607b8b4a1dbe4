#include "agent/cache/descriptions.hpp"

#include <chrono>
#include <optional>

#include "agent/base/error.hpp"

namespace basecache::cache {
namespace {

constexpr std::chrono::minutes kSilence{5};

}  // namespace

// Guarded by Descriptions::mutex_.
struct Descriptions::Question {
  std::string token;  // of who asks
  bool is_over = false;
  Record record = {};
  std::optional<Error> failure = {};
};

Descriptions::Record Descriptions::of(const std::string& key, OpContext& op, const Ask& ask) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (const auto known = known_.find(key); known != known_.end()) {
      if (Record record = known->second.lock()) return record;
    }
    const auto asked = questions_.find(key);
    if (asked == questions_.end()) break;
    const std::shared_ptr<Question> question = asked->second;
    if (Record record = wait_for(*question, lock, op)) return record;
  }
  const auto question = std::make_shared<Question>(Question{.token = op.transfers().token.reveal()});
  questions_[key] = question;
  lock.unlock();
  return answer(key, question, op, ask);
}

// Nothing: it was given up, or failed for another token.
Descriptions::Record Descriptions::wait_for(const Question& question, std::unique_lock<std::mutex>& lock,
                                            const OpContext& op) {
  answered_.wait_until(lock, op.stop(), op.deadline(), [&] { return question.is_over; });
  if (!question.is_over) {
    op.check();
    throw Cancelled{};
  }
  if (question.failure && question.token == op.transfers().token.reveal()) throw Error(*question.failure);
  return question.record;
}

Descriptions::Record Descriptions::answer(const std::string& key, const std::shared_ptr<Question>& question,
                                          OpContext& op, const Ask& ask) {
  struct Over {
    ~Over() {
      const std::lock_guard guard(all.mutex_);
      std::erase_if(all.known_, [](const auto& entry) { return entry.second.expired(); });
      if (question.record) all.known_[key] = question.record;
      question.is_over = true;
      all.questions_.erase(key);
      all.answered_.notify_all();
    }
    Descriptions& all;
    const std::string& key;
    Question& question;
  };
  const Over over{*this, key, *question};
  try {
    return question->record = std::make_shared<const model::ImageRecord>(ask(op));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timed_out) question->failure = error;
    note_silence(key, error);
    throw;
  }
}

bool Descriptions::is_unanswered(const std::string& key) const {
  const std::lock_guard guard(mutex_);
  const auto silent = silent_until_.find(key);
  return silent != silent_until_.end() && OpContext::Clock::now() < silent->second;
}

// What a source refuses, it refuses quickly, and perhaps only to this token.
void Descriptions::note_silence(const std::string& key, const Error& error) {
  if (error.code() != ErrorCode::timed_out && error.code() != ErrorCode::source_unavailable) return;
  const auto now = OpContext::Clock::now();
  const std::lock_guard guard(mutex_);
  std::erase_if(silent_until_, [&](const auto& entry) { return entry.second <= now; });
  silent_until_[key] = now + kSilence;
}

}  // namespace basecache::cache
