#pragma once

#include <curl/curl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "backends/http/address_policy.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/http/image_intake.hpp"
#include "backends/http/response_head.hpp"
#include "backends/http/stall_watch.hpp"

namespace basecache::http {

// One request and its answer, as libcurl's callbacks see them: judges addresses, watches for stalls, hands the body
// of a 200 to the intake and drops any other. No exception passes through libcurl: it is kept and thrown again by
// outcome().
class Exchange {
 public:
  // All arguments must outlive the exchange, which must outlive the transfer.
  Exchange(ImageIntake& intake, const HostTrust& trust, const HttpSettings& settings);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // For what isn't ours to set: the URL, the headers, how to connect. A handle serves one exchange only: libcurl 7.88
  // refuses options on one whose last transfer ended early. Connections are kept elsewhere (see CurlSession).
  CURL* handle() const { return easy_.get(); }

  bool stalled(StallWatch::Clock::time_point now) { return watch_ && watch_->stalled(now); }
  // When stalled() may change its mind; nothing before there is a connection.
  std::optional<StallWatch::Clock::time_point> next_check() const;

  // What came of it once libcurl is done: the head of an answer (a 200's body is in the intake), or why there is none.
  // What the intake threw is thrown.
  std::variant<ResponseHead, Fault> outcome(CURLcode result);

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
  };

  curl_socket_t open_socket(const curl_sockaddr& address);
  void connected();
  bool take_header(std::string_view line);
  bool take_body(std::span<const std::byte> bytes);

  ResponseHead read_head() const;
  int status() const;
  std::optional<std::string> header(const char* name) const;
  void begin_intake();
  Fault fault_of(CURLcode result) const;

  ImageIntake& intake_;
  const HostTrust& trust_;
  const HttpSettings& settings_;
  std::optional<StallWatch> watch_;  // from the moment there is a connection
  std::optional<std::string> forbidden_address_;
  bool intake_began_ = false;
  std::size_t header_bytes_ = 0;
  bool head_complete_ = false;  // of an answer that isn't an interim one (1xx)
  std::size_t dropped_bytes_ = 0;
  std::exception_ptr thrown_;
  char detail_[CURL_ERROR_SIZE] = {};     // libcurl's own words
  std::unique_ptr<CURL, FreeEasy> easy_;  // last: it points to the others
};

}  // namespace basecache::http
