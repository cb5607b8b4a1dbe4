#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <string>

#include "agent/api/operation.hpp"
#include "agent/api/operation_watch.hpp"
#include "agent/api/routes.hpp"
#include "agent/api/unix_stream.hpp"
#include "agent/base/error.hpp"

namespace basecache::api {

// What a peer can make grow, and for how long it can hold a connection.
struct ConnectionLimits {
  std::uint32_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 1 << 20;
  std::chrono::milliseconds head_time{60'000};  // until the next request has come in; idle time included
  std::chrono::milliseconds body_time{30'000};
  std::chrono::milliseconds answer_time{10'000};  // for each piece that is written
  std::chrono::seconds quick_deadline{300};       // of what isn't run as an operation
};

// One client's connection, served by one thread until it ends: requests one after the other, HTTP/1.1 (RFC 9112).
class Connection {
 public:
  // `interrupt_fd`: readable when idle connections shall end.
  Connection(UniqueFd socket, int interrupt_fd, const Routes& routes, Operations& operations, ConnectionLimits limits);

  void serve();
  // Instead of serve(): one answer, whatever was asked.
  void refuse(const Error& error);

 private:
  using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

  bool serve_request();  // false: the connection is to be closed
  bool answer_unreadable(const boost::system::error_code& error);
  void answer_task(const HttpRequest& request);
  Outcome run_at_once(const Task& task);
  uid_t caller() const;

  // Waits with the client for the operation's end; a client that goes away cancels what isn't shared.
  void accompany(const std::shared_ptr<Operation>& operation, bool streaming);
  bool client_has_gone() const;
  // False when the client has gone.
  bool wait_for_news(const OperationWatch& watch, int timeout_ms) const;
  void follow(OperationWatch& watch, bool streaming);

  void write_answer(const Outcome& outcome);
  void begin_stream();
  void write_event(const std::string& event);
  void end_stream();

  UnixStream stream_;
  const Routes& routes_;
  Operations& operations_;
  const ConnectionLimits limits_;
  boost::beast::flat_buffer buffer_;
  unsigned version_ = 11;
  bool keep_alive_ = true;
};

}  // namespace basecache::api
