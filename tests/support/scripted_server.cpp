#include "tests/support/scripted_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>

#include "agent/base/error.hpp"
#include "agent/base/stop_event.hpp"

namespace basecache::test {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

void require(bool done, std::string_view doing) {
  const int error = errno;
  if (!done) throw Error::from_errno(error, doing);
}

UniqueFd listen_on_loopback() {
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  require(static_cast<bool>(listener), "make a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  require(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind to loopback");
  require(::listen(listener.get(), SOMAXCONN) == 0, "listen");
  return listener;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  require(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0, "ask for the port");
  return ntohs(address.sin_port);
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;  // the client has gone
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Moves the body out of `unread`, chunked; how many bytes it took there. Nothing: it isn't whole yet.
std::optional<std::size_t> take_chunks(std::string& body, std::string_view unread) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t line_end = unread.find("\r\n", at);
    if (line_end == std::string_view::npos) return std::nullopt;
    const std::size_t size = std::stoul(std::string(unread.substr(at, line_end - at)), nullptr, 16);
    at = line_end + 2;
    if (unread.size() < at + size + 2) return std::nullopt;
    body += unread.substr(at, size);
    at += size + 2;
    if (size == 0) return at;
  }
}

std::optional<std::size_t> take_body(Received& request, std::string_view unread) {
  request.body.clear();
  if (request.has("Transfer-Encoding: chunked")) return take_chunks(request.body, unread);
  constexpr std::string_view name = "Content-Length: ";
  const std::size_t at = request.head.find(name);
  const std::size_t size = at == std::string::npos ? 0 : std::stoul(request.head.substr(at + name.size()));
  if (unread.size() < size) return std::nullopt;
  request.body = unread.substr(0, size);
  return size;
}

}  // namespace

Reply answer(int status, std::string_view body, std::string_view headers) {
  return {.bytes = fmt::format("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), headers,
                               body)};
}

Reply redirect(std::string_view location) { return answer(302, "moved", fmt::format("Location: {}\r\n", location)); }

ScriptedServer::ScriptedServer(std::vector<Reply> script)
    : listener_(listen_on_loopback()),
      port_(port_of(listener_.get())),
      script_(std::make_move_iterator(script.begin()), std::make_move_iterator(script.end())),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

std::string ScriptedServer::url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}/{}", port_, path);
}

std::vector<Received> ScriptedServer::requests() const {
  const std::lock_guard guard(mutex_);
  return requests_;
}

void ScriptedServer::wait_for_replies(std::size_t count) {
  std::unique_lock guard(mutex_);
  if (!replied_.wait_for(guard, std::chrono::seconds(30), [&] { return replies_ >= count; })) {
    throw std::runtime_error("the scripted server was not asked as often as the test expects");
  }
}

void ScriptedServer::serve(const std::stop_token& stop) {
  const StopEvent stopped(stop);
  for (;;) {
    std::vector<pollfd> watched{{stopped.fd(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    for (const Connection& connection : connections_) watched.push_back({connection.fd.get(), POLLIN, 0});
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    for (std::size_t i = connections_.size(); i-- > 0;) {
      if (watched[i + 2].revents == 0 || take_bytes(connections_[i])) continue;
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (watched[1].revents != 0) accept_one();
  }
}

void ScriptedServer::accept_one() {
  UniqueFd accepted(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (accepted) connections_.push_back({.fd = std::move(accepted), .number = accepted_++, .unread = {}});
}

// False when the connection has ended.
bool ScriptedServer::take_bytes(Connection& connection) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  if (connection.hung) return true;
  connection.unread.append(buffer.data(), static_cast<std::size_t>(got));
  const std::size_t end = connection.unread.find(kEndOfHead);
  if (end == std::string::npos) return true;
  Received request{.head = connection.unread.substr(0, end + 2), .body = {}, .connection = connection.number};
  if (request.has("Expect: 100-continue") && !std::exchange(connection.continued, true)) {
    return send_all(connection.fd.get(), "HTTP/1.1 100 Continue\r\n\r\n");
  }
  const auto taken = take_body(request, std::string_view(connection.unread).substr(end + kEndOfHead.size()));
  if (!taken) return true;
  connection.unread.erase(0, end + kEndOfHead.size() + *taken);
  connection.continued = false;
  return play(connection, std::move(request));
}

bool ScriptedServer::play(Connection& connection, Received request) {
  const Reply reply = next_reply(std::move(request));
  const bool sent = send_all(connection.fd.get(), reply.bytes);
  connection.hung = reply.then == Reply::Then::hang;
  {
    const std::lock_guard guard(mutex_);
    ++replies_;
  }
  replied_.notify_all();
  return sent && reply.then != Reply::Then::close;
}

Reply ScriptedServer::next_reply(Received request) {
  const std::lock_guard guard(mutex_);
  requests_.push_back(std::move(request));
  if (script_.empty()) return {.bytes = {}, .then = Reply::Then::close};
  Reply reply = std::move(script_.front());
  script_.pop_front();
  return reply;
}

}  // namespace basecache::test
