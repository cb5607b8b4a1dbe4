#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/base/unique_fd.hpp"

namespace basecache::test {

// What a ScriptedServer does with one request: sends `bytes` as they are, then `then`.
struct Reply {
  enum class Then {
    keep,   // waits for the next request on the connection
    close,  // ends the connection
    hang,   // keeps it open and silent until the client or the server goes
  };

  std::string bytes;
  Then then = Then::keep;
};

// A whole answer with Content-Length; `headers` are lines that end in "\r\n".
Reply answer(int status, std::string_view body, std::string_view headers = "");
Reply redirect(std::string_view location);

// A request as it came.
struct Received {
  std::string head;            // request line and headers
  std::string body;            // without the framing of its chunks
  std::size_t connection = 0;  // the number of its connection, from 0

  bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
};

// An HTTP server on a free port of 127.0.0.1 that plays replies in order, one a request, on any number of connections.
// A request beyond the script gets its connection closed. Its thread has ended when the destructor returns.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Reply> script);
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() = default;

  std::uint16_t port() const { return port_; }
  // "http://127.0.0.1:<port>/<path>"
  std::string url(std::string_view path = "image") const;
  std::vector<Received> requests() const;
  // Returns once the replies to `count` requests have been sent. Throws after 30 s.
  void wait_for_replies(std::size_t count);

 private:
  struct Connection {
    UniqueFd fd;
    std::size_t number = 0;
    std::string unread;
    bool continued = false;  // has been told to send the body it announced
    bool hung = false;
  };

  void serve(const std::stop_token& stop);
  void accept_one();
  bool take_bytes(Connection& connection);
  bool play(Connection& connection, Received request);
  Reply next_reply(Received request);

  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::vector<Connection> connections_;  // the thread's own
  std::size_t accepted_ = 0;             // likewise
  mutable std::mutex mutex_;
  std::condition_variable replied_;
  std::deque<Reply> script_;
  std::vector<Received> requests_;
  std::size_t replies_ = 0;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace basecache::test
