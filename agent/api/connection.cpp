#include "agent/api/connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <thread>

#include "agent/api/error_response.hpp"
#include "agent/api/messages.hpp"
#include "agent/api/operations.hpp"
#include "agent/api/peer_policy.hpp"
#include "agent/base/error.hpp"
#include "agent/base/log.hpp"
#include "agent/base/stop_event.hpp"
#include "agent/base/waiting_hook.hpp"

namespace basecache::api {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using nlohmann::json;

// A terminal's progress bar needs no more, and a fetch reports for every block.
constexpr std::chrono::milliseconds kBetweenEvents{100};
constexpr std::string_view kStreamType = "application/x-ndjson";
// What is still read, and for how long, of a request that was refused before its end.
constexpr std::size_t kLingerBytes = 16 << 20;
constexpr std::chrono::milliseconds kLingerTime{2000};
constexpr std::chrono::milliseconds kRefusedLingerTime{100};  // many are refused by few threads

bool wants_stream(const http::fields& fields) {
  return fields[http::field::accept].find({kStreamType.data(), kStreamType.size()}) != beast::string_view::npos;
}

std::string final_event(const Outcome& outcome) {
  return fmt::format(R"({{"event":"{}","{}":{}}})", outcome.failed() ? "error" : "result",
                     outcome.failed() ? "problem" : "result", outcome.body);
}

std::string progress_event(const Progress& progress) {
  json event = to_json(progress);
  event["event"] = "progress";
  return dump(event);
}

// A problem whose status isn't its code's.
Outcome invalid(int http_status, const std::string& why) {
  json answer = problem(Error(ErrorCode::invalid_request, why));
  answer["status"] = http_status;
  return {http_status, dump(answer), why};
}

// Why a request couldn't be read, by Beast's word; nothing when there is nobody to be told.
std::optional<Outcome> unreadable(const boost::system::error_code& error, const ConnectionLimits& limits) {
  const bool not_http = error.category() == http::make_error_code(http::error::end_of_stream).category();
  if (!not_http || error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  if (error == http::error::body_limit) {
    return invalid(413, "the request's body has more than " + to_text(Bytes{limits.body_bytes}));
  }
  if (error == http::error::header_limit) {
    return invalid(431, "the request's head has more than " + to_text(Bytes{limits.header_bytes}));
  }
  return invalid(400, "the request is not HTTP/1.1 as we can take it: " + error.message());
}

}  // namespace

Connection::Connection(UniqueFd socket, int interrupt_fd, const Routes& routes, Operations& operations,
                       ConnectionLimits limits)
    : stream_(std::move(socket), interrupt_fd), routes_(routes), operations_(operations), limits_(limits) {}

void Connection::serve() {
  try {
    while (serve_request() && !stream_.interrupted()) {
    }
  } catch (const boost::system::system_error&) {
    // The client went away or stopped reading in the middle of its answer; nobody is left to be told.
  } catch (const std::exception& error) {
    // Out of memory, most likely. It ends this connection, not the agent.
    log_event(LogLevel::error, "connection_failed", {{"error", error.what()}});
  }
}

void Connection::refuse(const Error& error) {
  try {
    keep_alive_ = false;
    write_answer(failed_outcome(error));
    stream_.close_gracefully(kRefusedLingerTime, limits_.header_bytes);
  } catch (const std::exception&) {  // gone already, or nothing is left to tell it with
  }
}

bool Connection::serve_request() {
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits_.header_bytes);
  parser.body_limit(limits_.body_bytes);
  boost::system::error_code error;
  stream_.expires_after(limits_.head_time);
  http::read_header(stream_, buffer_, parser, error);
  if (error) return answer_unreadable(error);
  stream_.expires_after(limits_.body_time);
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    boost::asio::write(stream_, boost::asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25));
  }
  http::read(stream_, buffer_, parser, error);
  if (error) return answer_unreadable(error);
  version_ = parser.get().version();
  // No path has HEAD, and the refusal's body would be taken for the beginning of the next answer.
  keep_alive_ = parser.get().keep_alive() && parser.get().method() != http::verb::head;
  answer_task(parser.get());
  return keep_alive_;
}

bool Connection::answer_unreadable(const boost::system::error_code& error) {
  if (const auto outcome = unreadable(error, limits_)) {
    keep_alive_ = false;
    write_answer(*outcome);
    stream_.close_gracefully(kLingerTime, kLingerBytes);
  }
  return false;
}

void Connection::answer_task(const HttpRequest& request) {
  std::shared_ptr<Operation> operation;
  std::optional<WaitingHook> hook;  // until it is answered, or has gone
  try {
    const Task task = routes_.task({.method = std::string(request.method_string()),
                                    .target = std::string(request.target()),
                                    .body = request.body(),
                                    .token = Secret(std::string(request["X-Auth-Token"]))});
    // One who has given up waiting for us while we couldn't listen may have put an end to what this is for.
    if ((task.subject.is_shared || task.at_first) && client_has_gone()) return;
    if (task.subject.is_for_hook) hook.emplace(operations_.hook_wait());
    if (task.at_first) task.at_first(caller());
    if (!task.is_long) return write_answer(run_at_once(task));
    operation = operations_.start(task.subject, task.work);
  } catch (const Error& error) {
    return write_answer(failed_outcome(error));
  }
  // HTTP/1.0 knows no chunks: such a client gets the answer alone.
  accompany(operation, version_ >= 11 && wants_stream(request));
}

Outcome Connection::run_at_once(const Task& task) {
  std::stop_source stop;
  std::jthread watcher;
  if (task.ends_with_client) {
    watcher = std::jthread([&](const std::stop_token& end) {
      const StopEvent ended(end);
      std::array<pollfd, 2> watched{pollfd{stream_.fd(), 0, 0}, pollfd{ended.fd(), POLLIN, 0}};
      while (::poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) {
      }
      if (watched[0].revents != 0) stop.request_stop();
    });
  }
  OpContext op("", stop.get_token(), OpContext::Clock::now() + limits_.quick_deadline);
  op.set_hook_wait(operations_.hook_wait());
  return outcome_of(task.work, op);
}

uid_t Connection::caller() const {
  const auto peer = peer_of(stream_.fd());
  if (!peer) throw Error(ErrorCode::forbidden, "the kernel doesn't tell who asks");
  return peer->uid;
}

void Connection::accompany(const std::shared_ptr<Operation>& operation, bool streaming) {
  OperationWatch watch(operation);
  try {
    if (streaming) {
      begin_stream();
      write_event(dump({{"event", "started"}, {"operation", operation->id()}}));
    }
    follow(watch, streaming);
  } catch (...) {
    watch.leave();
    throw;
  }
}

void Connection::follow(OperationWatch& watch, bool streaming) {
  using Clock = std::chrono::steady_clock;
  std::optional<Progress> pending;
  Clock::time_point next_event = Clock::now();
  while (true) {
    const auto patience = std::chrono::ceil<std::chrono::milliseconds>(next_event - Clock::now()).count();
    const int timeout = pending ? static_cast<int>(std::max<decltype(patience)>(0, patience)) : -1;
    if (!wait_for_news(watch, timeout)) {
      watch.leave();
      keep_alive_ = false;
      return;
    }
    watch.clear_news();
    if (auto progress = watch.take_progress(); progress && streaming) pending = std::move(progress);
    const std::optional<Outcome> outcome = watch.operation().outcome();
    if (pending && (outcome || Clock::now() >= next_event)) {
      write_event(progress_event(*pending));
      pending.reset();
      next_event = Clock::now() + kBetweenEvents;
    }
    if (!outcome) continue;
    if (!streaming) return write_answer(*outcome);
    write_event(final_event(*outcome));
    return end_stream();
  }
}

bool Connection::client_has_gone() const {
  pollfd watched{stream_.fd(), 0, 0};
  return ::poll(&watched, 1, 0) > 0;
}

bool Connection::wait_for_news(const OperationWatch& watch, int timeout_ms) const {
  // No event is asked of the client: one that sends ahead is heard later, and POLLHUP, both directions closed, comes
  // by itself. A client that has only finished sending still wants its answer.
  std::array<pollfd, 2> watched{pollfd{stream_.fd(), 0, 0}, pollfd{watch.news_fd(), POLLIN, 0}};
  while (::poll(watched.data(), watched.size(), timeout_ms) < 0 && errno == EINTR) {
  }
  return watched[0].revents == 0;
}

void Connection::write_answer(const Outcome& outcome) {
  http::response<http::string_body> response{static_cast<http::status>(outcome.http_status), version_};
  response.set(http::field::server, "basecached");
  response.set(http::field::content_type, outcome.failed() ? "application/problem+json" : "application/json");
  response.body() = outcome.body + "\n";
  response.keep_alive(keep_alive_);
  response.prepare_payload();
  stream_.expires_after(limits_.answer_time);
  http::write(stream_, response);
}

void Connection::begin_stream() {
  http::response<http::empty_body> response{http::status::ok, version_};
  response.set(http::field::server, "basecached");
  response.set(http::field::content_type, {kStreamType.data(), kStreamType.size()});
  response.keep_alive(keep_alive_);
  response.chunked(true);
  http::response_serializer<http::empty_body> serializer{response};
  stream_.expires_after(limits_.answer_time);
  http::write_header(stream_, serializer);
}

void Connection::write_event(const std::string& event) {
  const std::string line = event + "\n";
  stream_.expires_after(limits_.answer_time);
  boost::asio::write(stream_, http::make_chunk(boost::asio::buffer(line)));
}

void Connection::end_stream() {
  stream_.expires_after(limits_.answer_time);
  boost::asio::write(stream_, http::make_chunk_last());
}

}  // namespace basecache::api
