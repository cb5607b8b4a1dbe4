#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/op_context.hpp"
#include "agent/model/image.hpp"

namespace basecache::cache {

// What sources say of the images that are being fetched. A source is asked once, however many want to know it at a
// time, and its answer holds as long as anybody holds it: who joins a build needn't ask.
class Descriptions {
 public:
  using Record = std::shared_ptr<const model::ImageRecord>;
  using Ask = std::function<model::ImageRecord(OpContext&)>;

  // What `ask` throws, for those who wait too, but for one whose token is another: a source may say something else to
  // them, so they ask themselves. Cancelled or Error(timed_out) when the caller leaves; another one asks then.
  Record of(const std::string& key, OpContext& op, const Ask& ask);

  // A source didn't answer some minutes ago: who can do without needn't wait for it again.
  bool is_unanswered(const std::string& key) const;

 private:
  struct Question;

  Record wait_for(const Question& question, std::unique_lock<std::mutex>& lock, const OpContext& op);
  Record answer(const std::string& key, const std::shared_ptr<Question>& question, OpContext& op, const Ask& ask);

  void note_silence(const std::string& key, const Error& error);

  mutable std::mutex mutex_;
  std::condition_variable_any answered_;
  std::map<std::string, std::shared_ptr<Question>> questions_;
  std::map<std::string, std::weak_ptr<const model::ImageRecord>> known_;
  std::map<std::string, OpContext::Clock::time_point> silent_until_;
};

}  // namespace basecache::cache
