#include "backends/http/session_pool.hpp"

#include "backends/http/curl_session.hpp"

namespace basecache::http {
namespace {

constexpr std::size_t kMostIdle = 8;  // each keeps a few connections open

}  // namespace

SessionPool::SessionPool(const HttpSettings& settings) : settings_(settings) {}

SessionPool::~SessionPool() = default;

SessionPool::Loan::Loan(SessionPool& pool) : pool_(pool) {
  const std::lock_guard guard(pool.mutex_);
  if (pool.idle_.empty()) {
    session_ = std::make_unique<CurlSession>(pool.settings_);
    return;
  }
  session_ = std::move(pool.idle_.back());
  pool.idle_.pop_back();
}

SessionPool::Loan::~Loan() {
  const std::lock_guard guard(pool_.mutex_);
  if (pool_.idle_.size() < kMostIdle) pool_.idle_.push_back(std::move(session_));
}

}  // namespace basecache::http
