#include "tools/basecache/socket_link.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/api/error_response.hpp"
#include "agent/api/unix_stream.hpp"
#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/base/version.hpp"

namespace basecache::cli {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using nlohmann::json;

Unreachable unreachable(const Path& socket, const std::string& why) {
  return {"the agent at " + quote(socket.native()) + " can't be reached: " + why,
          "start it (systemctl start basecached), name its socket (--socket PATH), or do without it (--standalone)"};
}

using TimeLeft = std::optional<std::chrono::milliseconds>;

// connect(2) waits, too, when many do.
void limit_connect(int socket, std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timeval limit{.tv_sec = seconds.count(), .tv_usec = std::chrono::microseconds(time - seconds).count()};
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

UniqueFd connected_socket(const Path& path, TimeLeft time) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path) throw unreachable(path, "the path is too long for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) throw Error::from_errno(errno, "make a socket");
  if (time) limit_connect(socket.get(), *time);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw unreachable(path, std::strerror(errno));
  }
  return socket;
}

[[noreturn]] void throw_problem(const json& problem) {
  const std::string code = problem.value("code", "internal");
  if (code == "cancelled") throw Cancelled{};
  Error error(api::error_code_from(code).value_or(ErrorCode::internal), problem.value("detail", "the agent failed"));
  error.set_hint(problem.value("hint", ""));
  const json fields = problem.value("fields", json::object());  // items() only refers to it
  for (const auto& [key, value] : fields.items()) error.add_field(key, value);
  throw error;
}

// One request on one connection, and its answer.
class Exchange {
 public:
  Exchange(UniqueFd socket, TimeLeft time) : stream_(std::move(socket)) {
    if (time) stream_.expires_after(*time);
    // Our own agent's answer; hours of progress make it long. (Boost 1.74 takes "no limit" for a limit of nothing.)
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  void send(const api::Request& request) {
    http::request<http::string_body> message{http::string_to_verb(request.method), request.target, 11};
    message.set(http::field::host, "localhost");
    message.set(http::field::user_agent, std::string("basecache/") + kVersion);
    message.set(http::field::accept, "application/x-ndjson, application/json");
    message.set(http::field::content_type, "application/json");
    if (!request.token.empty()) message.set("X-Auth-Token", request.token.reveal());
    message.body() = request.body;
    message.keep_alive(false);
    message.prepare_payload();
    http::write(stream_, message);
  }

  json receive(const ProgressSink& progress) {
    http::read_header(stream_, buffer_, parser_);
    if (parser_.get()[http::field::content_type] == "application/x-ndjson") return receive_events(progress);
    http::read(stream_, buffer_, parser_);
    json answer = json::parse(parser_.get().body());
    if (parser_.get().result() != http::status::ok) throw_problem(answer);
    return answer;
  }

  bool has_begun() const { return parser_.is_header_done(); }

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

 private:
  json receive_events(const ProgressSink& progress) {
    while (true) {
      std::string& body = parser_.get().body();
      std::size_t taken = 0;
      for (std::size_t end = 0; (end = body.find('\n', taken)) != std::string::npos; taken = end + 1) {
        const json event = json::parse(body.substr(taken, end - taken));
        if (event["event"] == "result") return event["result"];
        if (event["event"] == "error") throw_problem(event["problem"]);
        if (event["event"] == "progress") report(event, progress);
      }
      body.erase(0, taken);
      if (parser_.is_done()) throw Error(ErrorCode::internal, "the agent ended its answer without a result");
      http::read_some(stream_, buffer_, parser_);
    }
  }

  static void report(const json& event, const ProgressSink& progress) {
    Progress now{.step = event["step"], .subject = event["subject"], .done = event["done"], .total = std::nullopt};
    if (!event["total"].is_null()) now.total = event["total"].get<std::uint64_t>();
    progress(now);
  }

  api::UnixStream stream_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

json SocketLink::ask(const api::Request& request, const ProgressSink& progress) {
  const auto time_left = [this]() -> TimeLeft {
    if (!deadline_) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now());
    return std::max(left, std::chrono::milliseconds(1));  // 0 would be no limit
  };
  UniqueFd socket = connected_socket(socket_, time_left());
  Exchange exchange(std::move(socket), time_left());
  try {
    exchange.send(request);
    return exchange.receive(progress);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::timed_out) {
      if (!exchange.has_begun()) throw unreachable(socket_, "it doesn't answer");
      throw Error(ErrorCode::timed_out, "the agent hasn't done in time");
    }
    throw unreachable(socket_, "it broke off: " + error.code().message());
  }
}

}  // namespace basecache::cli
