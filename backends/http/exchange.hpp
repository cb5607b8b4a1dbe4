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

#include "agent/base/byte_size.hpp"
#include "backends/http/address_policy.hpp"
#include "backends/http/body_taker.hpp"
#include "backends/http/fault.hpp"
#include "backends/http/http_settings.hpp"
#include "backends/http/response_head.hpp"
#include "backends/http/stall_watch.hpp"
#include "backends/http/upload_body.hpp"

namespace basecache::http {

// One request and its answer, as libcurl's callbacks see them: judges addresses, watches for stalls, reads the body to
// send, hands a wanted body to its taker and drops any other. No exception passes through libcurl: it is kept and
// thrown again by outcome().
class Exchange {
 public:
  // All arguments must outlive the exchange, which must outlive the transfer.
  Exchange(BodyTaker& taker, const HostTrust& trust, const HttpSettings& settings);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // For what isn't ours to set: the URL, the headers, how to connect. A handle serves one exchange only: libcurl 7.88
  // refuses options on one whose last transfer ended early. Connections are kept elsewhere (see CurlSession).
  CURL* handle() const { return easy_.get(); }
  // Sends `body`, which must outlive the transfer.
  void send(UploadBody& body);

  bool stalled(StallWatch::Clock::time_point now) { return watch_ && watch_->stalled(now); }
  // When stalled() may change its mind; nothing before there is a connection.
  std::optional<StallWatch::Clock::time_point> next_check() const;

  // The head of an answer whose body nobody wants, how long ever that takes.
  std::optional<ResponseHead> unwanted_head();
  // It failed on a connection that was kept from another request: what lay in there may be that one's.
  bool met_stale_connection() const;

  // What came of it once libcurl is done: the head of an answer (a wanted body is with its taker), or why there is
  // none. What the taker or the body to send threw is thrown.
  std::variant<ResponseHead, Fault> outcome(CURLcode result);

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
  };

  curl_socket_t open_socket(const curl_sockaddr& address);
  void connected();
  bool take_header(std::string_view line);
  bool head_is_too_long() const;
  bool take_body(std::span<const std::byte> bytes);
  std::size_t give_body(std::span<std::byte> room);

  ResponseHead read_head() const;
  const ResponseHead& head();  // of a complete one; without its location
  ResponseHead head_with_location();
  int status() const;
  bool begin_body();  // false: the answer isn't one to what was asked
  Fault fault_of(CURLcode result) const;

  BodyTaker& taker_;
  const HostTrust& trust_;
  const HttpSettings& settings_;
  std::optional<StallWatch> watch_;  // from the moment there is a connection
  std::optional<std::string> forbidden_address_;
  UploadBody* upload_ = nullptr;
  bool body_began_ = false;
  std::optional<Fault> wrong_answer_;
  Bytes head_size_;             // with interim answers (1xx) and trailers
  std::size_t head_lines_ = 0;  // likewise
  bool head_complete_ = false;  // of an answer that isn't an interim one
  std::optional<ResponseHead> head_;
  std::size_t dropped_bytes_ = 0;
  std::exception_ptr thrown_;
  char detail_[CURL_ERROR_SIZE] = {};     // libcurl's own words
  std::unique_ptr<CURL, FreeEasy> easy_;  // last: it points to the others
};

}  // namespace basecache::http
