#include "backends/http/exchange.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "agent/base/text.hpp"
#include "backends/http/curl_option.hpp"
#include "backends/http/retry_policy.hpp"

namespace basecache::http {
namespace {

constexpr int kFirstFinal = 200;
constexpr std::chrono::minutes kLongestAnswer{15};  // to an upload
// Servers limit themselves to 8 KiB or so; without a limit libcurl would collect a head that never ends.
constexpr Bytes kLongestHead = kibibytes(256);
// Glance v1 sends each property of an image as a header, 128 of them unless it is told to allow more. libcurl goes
// through all headers to find the next one.
constexpr std::size_t kMostHeadLines = 1000;
// The body of an error or a redirect is read so far to keep the connection; past it a new one is cheaper.
constexpr std::size_t kMostDropped = 64 * 1024;

template <class T>
std::optional<T> inquire(CURL* easy, CURLINFO what) {
  T value{};
  if (::curl_easy_getinfo(easy, what, &value) != CURLE_OK) return std::nullopt;
  return value;
}

// libcurl 7.88 leaves the line's end in a value that is empty.
std::string_view trimmed(std::string_view value) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t first = value.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(blank) - first + 1);
}

void add(ResponseHead& head, std::string_view name, std::string_view value) {
  std::string& known = head.headers.try_emplace(lower_case(name), value).first->second;
  if (known != value) known.append(", ").append(value);
}

FaultKind fault_kind(CURLcode result, bool body_began) {
  switch (result) {
    case CURLE_PARTIAL_FILE:
      return FaultKind::truncated;
    case CURLE_RECV_ERROR:
      return body_began ? FaultKind::truncated : FaultKind::unreachable;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:  // of the connection: we set no other timeout
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
      return FaultKind::unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return FaultKind::untrusted;
    default:
      return FaultKind::misspoken;
  }
}

std::string_view words_for(FaultKind kind) {
  switch (kind) {
    case FaultKind::unreachable:
      return "the server can't be reached";
    case FaultKind::truncated:
      return "the body ended before its announced end";
    case FaultKind::untrusted:
      return "the server's certificate isn't trusted";
    default:
      return "the server doesn't speak HTTP as we do";
  }
}

}  // namespace

Exchange::Exchange(BodyTaker& taker, const HostTrust& trust, const HttpSettings& settings)
    : taker_(taker), trust_(trust), settings_(settings), easy_(::curl_easy_init()) {
  if (!easy_) throw std::bad_alloc();
  CURL* const easy = easy_.get();
  set_option(easy, CURLOPT_ERRORBUFFER, detail_);
  set_option(easy, CURLOPT_OPENSOCKETDATA, this);
  set_option(
      easy, CURLOPT_OPENSOCKETFUNCTION, +[](void* self, curlsocktype, curl_sockaddr* address) {
        return static_cast<Exchange*>(self)->open_socket(*address);
      });
  set_option(easy, CURLOPT_PREREQDATA, this);
  set_option(
      easy, CURLOPT_PREREQFUNCTION, +[](void* self, char*, char*, int, int) {
        static_cast<Exchange*>(self)->connected();
        return CURL_PREREQFUNC_OK;
      });
  set_option(easy, CURLOPT_HEADERDATA, this);
  set_option(
      easy, CURLOPT_HEADERFUNCTION, +[](char* line, std::size_t unit, std::size_t count, void* self) {
        return static_cast<Exchange*>(self)->take_header({line, unit * count}) ? unit * count : 0;
      });
  set_option(easy, CURLOPT_WRITEDATA, this);
  set_option(
      easy, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t unit, std::size_t count, void* self) {
        const auto body = std::as_bytes(std::span(bytes, unit * count));
        return static_cast<Exchange*>(self)->take_body(body) ? body.size() : 0;
      });
}

void Exchange::send(UploadBody& body) {
  upload_ = &body;
  CURL* const easy = easy_.get();
  set_option(easy, CURLOPT_UPLOAD, 1L);
  set_option(easy, CURLOPT_READDATA, this);
  set_option(
      easy, CURLOPT_READFUNCTION, +[](char* room, std::size_t unit, std::size_t count, void* self) {
        return static_cast<Exchange*>(self)->give_body(std::as_writable_bytes(std::span(room, unit * count)));
      });
}

std::optional<StallWatch::Clock::time_point> Exchange::next_check() const {
  if (!watch_) return std::nullopt;
  return watch_->window_end();
}

curl_socket_t Exchange::open_socket(const curl_sockaddr& address) try {
  if (!may_connect(kind_of(address.addr), trust_)) {
    forbidden_address_ = to_text(address.addr);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address.family, address.socktype | SOCK_CLOEXEC, address.protocol);
} catch (...) {
  thrown_ = std::current_exception();
  return CURL_SOCKET_BAD;
}

void Exchange::connected() { watch_.emplace(StallWatch::Clock::now(), settings_.stall_timeout, settings_.slowest); }

bool Exchange::take_header(std::string_view line) {
  if (watch_) watch_->received(line.size());
  head_size_.count += line.size();
  ++head_lines_;
  if (head_is_too_long()) return false;
  if ((line == "\r\n" || line == "\n") && status() >= kFirstFinal) head_complete_ = true;
  return true;
}

bool Exchange::head_is_too_long() const { return head_size_ > kLongestHead || head_lines_ > kMostHeadLines; }

bool Exchange::take_body(std::span<const std::byte> bytes) try {
  if (watch_) watch_->received(bytes.size());
  if (!taker_.wants(status())) {
    dropped_bytes_ += bytes.size();
    return dropped_bytes_ <= kMostDropped;
  }
  const auto begin = StallWatch::Clock::now();
  if (!body_began_ && !begin_body()) return false;
  wrong_answer_ = taker_.body(bytes);
  if (wrong_answer_) return false;
  if (watch_) watch_->excuse(StallWatch::Clock::now() - begin);
  return true;
} catch (...) {
  thrown_ = std::current_exception();
  return false;
}

std::size_t Exchange::give_body(std::span<std::byte> room) try {
  const auto begin = StallWatch::Clock::now();
  const std::size_t count = upload_->read(room);
  // What a server does with the whole of it, a store behind it included, takes long.
  if (count == 0)
    watch_.emplace(begin, std::max<std::chrono::milliseconds>(kLongestAnswer, settings_.stall_timeout), 1);
  if (watch_) {
    watch_->received(count);
    watch_->excuse(StallWatch::Clock::now() - begin);
  }
  return count;
} catch (...) {
  thrown_ = std::current_exception();
  return CURL_READFUNC_ABORT;
}

bool Exchange::begin_body() {
  body_began_ = true;
  wrong_answer_ = taker_.begin(head());
  return !wrong_answer_;
}

int Exchange::status() const {
  return static_cast<int>(inquire<long>(easy_.get(), CURLINFO_RESPONSE_CODE).value_or(0));
}

ResponseHead Exchange::read_head() const {
  ResponseHead head;
  head.status = status();
  const curl_off_t length = inquire<curl_off_t>(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T).value_or(-1);
  if (length >= 0) head.length = Bytes{static_cast<std::uint64_t>(length)};
  curl_header* at = nullptr;
  while ((at = ::curl_easy_nextheader(easy_.get(), CURLH_HEADER, -1, at)) != nullptr) {
    add(head, at->name, trimmed(at->value));
  }
  return head;
}

const ResponseHead& Exchange::head() {
  if (!head_) head_ = read_head();
  return *head_;
}

// libcurl makes it known behind the body.
ResponseHead Exchange::head_with_location() {
  ResponseHead whole = head();
  const char* location = inquire<char*>(easy_.get(), CURLINFO_REDIRECT_URL).value_or(nullptr);
  if (location != nullptr) whole.location = location;
  return whole;
}

std::optional<ResponseHead> Exchange::unwanted_head() {
  if (!head_complete_ || taker_.wants(status())) return std::nullopt;
  return head_with_location();
}

bool Exchange::met_stale_connection() const {
  return !head_complete_ && !thrown_ && inquire<long>(easy_.get(), CURLINFO_NUM_CONNECTS).value_or(1) == 0;
}

std::variant<ResponseHead, Fault> Exchange::outcome(CURLcode result) {
  if (thrown_) std::rethrow_exception(thrown_);
  if (!head_complete_) return fault_of(result);
  // What nobody wants needs no body; how that one ended tells nothing.
  if (!taker_.wants(status())) return head_with_location();
  if (result == CURLE_OK && !body_began_) begin_body();
  if (result == CURLE_OK && !wrong_answer_) wrong_answer_ = taker_.end();
  if (wrong_answer_) return *wrong_answer_;
  if (result != CURLE_OK) return fault_of(result);
  return head_with_location();
}

Fault Exchange::fault_of(CURLcode result) const {
  if (forbidden_address_) {
    return {.kind = FaultKind::forbidden_address,
            .reason = fmt::format("it leads to {}, where this node must not be led", *forbidden_address_)};
  }
  if (head_is_too_long()) {
    return {.kind = FaultKind::misspoken,
            .reason = fmt::format("the head of its answer has more than {} lines, or more than {}", kMostHeadLines,
                                  to_text(kLongestHead))};
  }
  if (result == CURLE_OK) {  // libcurl takes a connection that ends within the head for an answer without a body
    return {.kind = FaultKind::unreachable, .reason = "the connection ended within the head of the answer"};
  }
  const FaultKind kind = fault_kind(result, body_began_);
  const char* detail = detail_[0] != '\0' ? detail_ : ::curl_easy_strerror(result);
  return {
      .kind = kind, .reason = fmt::format("{}: {}", words_for(kind), quote(detail)), .was_sent = watch_.has_value()};
}

}  // namespace basecache::http
