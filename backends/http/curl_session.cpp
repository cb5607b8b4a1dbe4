#include "backends/http/curl_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <optional>

#include "agent/base/error.hpp"
#include "agent/base/stop_event.hpp"
#include "agent/base/text.hpp"
#include "backends/http/curl_option.hpp"
#include "backends/http/exchange.hpp"

namespace basecache::http {
namespace {

using std::chrono::milliseconds;

// Larger reads cost fewer wake-ups on a fast network; libcurl's own 16 KiB bounds a transfer by its system calls.
constexpr long kReadSize = 256 * 1024;

struct FreeList {
  void operator()(curl_slist* list) const { ::curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

// Names and keys come out of images' locations: a line end in one would begin another header, or another request.
void check_one_line(std::string_view what, std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::none_of(text, is_control)) return;
  throw Error(ErrorCode::invalid_request, fmt::format("cannot send {}: it holds control characters", what))
      .set_hint("look at where it was set: the token, the key, or the image's location");
}

HeaderList list_of(const std::vector<HttpHeader>& headers) {
  HeaderList list;
  for (const HttpHeader& header : headers) {
    check_one_line("the header " + header.name, header.value);
    curl_slist* longer = ::curl_slist_append(list.get(), fmt::format("{}: {}", header.name, header.value).c_str());
    if (longer == nullptr) throw std::bad_alloc();
    (void)list.release();  // now the head of `longer`
    list.reset(longer);
  }
  return list;
}

void require(CURLMcode result) {
  if (result == CURLM_OK) return;
  throw Error(ErrorCode::internal, std::string("libcurl failed: ") + ::curl_multi_strerror(result));
}

// A transfer that is under way while this lives; ending it early closes its connection.
class RunningTransfer {
 public:
  RunningTransfer(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) {
    require(::curl_multi_add_handle(multi, easy));
  }
  RunningTransfer(const RunningTransfer&) = delete;
  RunningTransfer& operator=(const RunningTransfer&) = delete;
  ~RunningTransfer() { ::curl_multi_remove_handle(multi_, easy_); }

  // Does what can be done without waiting; the result once the transfer has ended.
  std::optional<CURLcode> advance() {
    int running = 0;
    require(::curl_multi_perform(multi_, &running));
    int queued = 0;
    const CURLMsg* message = ::curl_multi_info_read(multi_, &queued);
    if (message == nullptr || message->msg != CURLMSG_DONE) return std::nullopt;
    return message->data.result;
  }

  // Until there is something to do for libcurl, `stop` fires or `until` comes.
  void wait(const StopEvent& stop, OpContext::Clock::time_point until) {
    const auto left = std::chrono::ceil<milliseconds>(until - OpContext::Clock::now());
    const auto timeout = std::clamp(left, milliseconds(0), milliseconds(std::chrono::hours(1)));
    curl_waitfd stopped{.fd = stop.fd(), .events = CURL_WAIT_POLLIN, .revents = 0};
    require(::curl_multi_poll(multi_, &stopped, 1, static_cast<int>(timeout.count()), nullptr));
  }

 private:
  CURLM* multi_;
  CURL* easy_;
};

// The result of libcurl; nothing when the server stalled.
std::optional<CURLcode> run(RunningTransfer& transfer, Exchange& exchange, const WireRequest& request,
                            const OpContext& op) {
  const StopEvent stop(op.stop());
  for (;;) {
    with_context([&] { return fmt::format("cannot {} {}", name_of(request.method), quote(redact_url(request.url))); },
                 [&] { op.check(); });
    if (const auto result = transfer.advance()) return result;
    if (exchange.stalled(OpContext::Clock::now())) return std::nullopt;
    transfer.wait(stop, std::min(op.deadline(), exchange.next_check().value_or(op.deadline())));
  }
}

void set_protection(CURL* easy, const WireRequest& request) {
  const bool elsewhere = request.trust.redirected;  // not the server that we were told to ask
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_PROXY, "");
  set_option(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set_option(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!request.tls.authorities.empty()) {
    set_option(easy, CURLOPT_CAINFO, request.tls.authorities.c_str());
    // Elsewhere the system's authorities (CURLOPT_CAPATH has its default) count besides: a store may be a public one.
    if (!elsewhere) set_option(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!elsewhere && !request.tls.certificate.empty()) {
    set_option(easy, CURLOPT_SSLCERT, request.tls.certificate.c_str());
    if (!request.tls.key.empty()) set_option(easy, CURLOPT_SSLKEY, request.tls.key.c_str());
  }
  // Addresses are judged when a socket is opened; a kept connection was judged for a request that we were asked for.
  set_option(easy, CURLOPT_FRESH_CONNECT, elsewhere || request.fresh ? 1L : 0L);
}

void set_method(CURL* easy, const WireRequest& request) {
  if (request.method == Method::head) set_option(easy, CURLOPT_NOBODY, 1L);
  if (request.text != nullptr) {
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.text->size()));
    set_option(easy, CURLOPT_POSTFIELDS, request.text->data());
  }
  if (request.method != Method::get && request.method != Method::head) {
    set_option(easy, CURLOPT_CUSTOMREQUEST, std::string(name_of(request.method)).c_str());
  }
}

void set_options(CURL* easy, const WireRequest& request, milliseconds connect_timeout) {
  set_option(easy, CURLOPT_URL, request.url.c_str());
  set_option(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_QUICK_EXIT, 1L);  // else a cancelled transfer waits for the name server's answer
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  set_option(easy, CURLOPT_BUFFERSIZE, kReadSize);
  set_option(easy, CURLOPT_USERAGENT, "basecache");
  if (request.signing) {
    check_one_line("the access key", request.signing->access_key);
    check_one_line("the region", request.signing->region);
    set_option(easy, CURLOPT_AWS_SIGV4, ("aws:amz:" + request.signing->region + ":s3").c_str());
    set_option(easy, CURLOPT_USERNAME, request.signing->access_key.c_str());
    set_option(easy, CURLOPT_PASSWORD, request.signing->secret_key.reveal().c_str());
  }
}

}  // namespace

CurlSession::CurlSession(const HttpSettings& settings) : settings_(settings), multi_(::curl_multi_init()) {
  if (!multi_) throw std::bad_alloc();
}

std::variant<ResponseHead, Fault> CurlSession::exchange(const WireRequest& request, BodyTaker& taker,
                                                        const OpContext& op) {
  if (auto answer = attempt(request, taker, op)) return *std::move(answer);
  WireRequest again = request;
  again.fresh = true;
  return attempt(again, taker, op).value();
}

std::optional<std::variant<ResponseHead, Fault>> CurlSession::attempt(const WireRequest& request, BodyTaker& taker,
                                                                      const OpContext& op) {
  const HeaderList list = list_of(request.headers);
  Exchange exchange(taker, request.trust, settings_);
  set_options(exchange.handle(), request, settings_.connect_timeout);
  set_protection(exchange.handle(), request);
  set_option(exchange.handle(), CURLOPT_HTTPHEADER, list.get());
  if (request.upload != nullptr) exchange.send(*request.upload);
  set_method(exchange.handle(), request);
  RunningTransfer transfer(multi_.get(), exchange.handle());
  if (const auto result = run(transfer, exchange, request, op)) {
    if (*result != CURLE_OK && !request.fresh && exchange.met_stale_connection()) return std::nullopt;
    return exchange.outcome(*result);
  }
  if (auto head = exchange.unwanted_head()) return *std::move(head);
  return Fault{.kind = FaultKind::stalled,
               .reason = fmt::format("the server is connected, and sends less than {} bytes a second for {} ms",
                                     settings_.slowest, settings_.stall_timeout.count())};
}

}  // namespace basecache::http
