#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "backends/http/http_settings.hpp"

namespace basecache::http {

class CurlSession;

// Sessions that nobody uses now, with the connections they keep. Serves any number of threads.
class SessionPool {
 public:
  // A session while one thread uses it.
  class Loan {
   public:
    explicit Loan(SessionPool& pool);
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan();

    CurlSession& operator*() { return *session_; }

   private:
    SessionPool& pool_;
    std::unique_ptr<CurlSession> session_;
  };

  // `settings` must outlive the pool.
  explicit SessionPool(const HttpSettings& settings);
  ~SessionPool();

 private:
  const HttpSettings& settings_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<CurlSession>> idle_;  // guarded by mutex_
};

}  // namespace basecache::http
