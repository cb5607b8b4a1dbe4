#include "agent/api/server.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/algorithm/string/split.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/unit/api/api_node.hpp"

using namespace basecache;
using namespace basecache::api;
using namespace basecache::test;
using nlohmann::json;

namespace {

namespace http = boost::beast::http;
using Response = http::response<http::string_body>;

constexpr std::chrono::seconds kPatience{60};

UniqueFd connected(const Path& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.native().size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.c_str(), path.native().size() + 1);
  REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// One connection of a client that says exactly what the test wants.
class Client {
 public:
  explicit Client(const Path& path) : stream_(connected(path)) { stream_.expires_after(kPatience); }

  void send(const std::string& bytes) { boost::asio::write(stream_, boost::asio::buffer(bytes)); }
  void request(const std::string& method, const std::string& target, const std::string& body = "",
               const std::string& more = "") {
    send(method + " " + target + " HTTP/1.1\r\nHost: agent\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  Response response() {
    Response response;
    http::read(stream_, buffer_, response);
    return response;
  }
  // The next event of a stream, waited for: what the server has sent so far is not all of it.
  json event(http::response_parser<http::string_body>& parser) {
    std::string& text = parser.get().body();
    while (text.find('\n') == std::string::npos) http::read_some(stream_, buffer_, parser);
    const std::size_t end = text.find('\n');
    json event = json::parse(text.substr(0, end));
    text.erase(0, end + 1);
    return event;
  }
  // True when the server has closed, or closes, the connection.
  bool at_end() {
    char byte = 0;
    boost::system::error_code error;
    stream_.read_some(boost::asio::buffer(&byte, 1), error);
    return error == boost::asio::error::eof || error == boost::system::errc::connection_reset;
  }
  void finish_sending() { ::shutdown(stream_.fd(), SHUT_WR); }

 private:
  UnixStream stream_;
  boost::beast::flat_buffer buffer_;
};

json body_of(const Response& response) { return json::parse(response.body()); }

// A server over a whole fake agent, served by a thread of its own until the end of the test.
struct Daemon : ApiNode {
  explicit Daemon(ConnectionLimits limits = {}, PeerPolicy peers = PeerPolicy({}, {}))
      : server({.path = socket, .mode = 0600, .group = {}}, std::move(peers), routes, operations, limits),
        thread([this](std::stop_token stop) { server.run(std::move(stop)); }) {}

  // Who looks for an operation that must end by itself finds none in the end.
  void wait_for_no_operations() {
    while (!operations.all().empty()) std::this_thread::yield();
  }

  const Path socket = scratch / "agent.sock";
  Server server;
  std::jthread thread;
};

const std::string kStreaming = "Accept: application/x-ndjson\r\n";

}  // namespace

TEST_CASE("the server answers over one connection as long as the client likes") {
  Daemon daemon;
  Client client(daemon.socket);
  for (int i = 0; i < 3; ++i) {
    client.request("GET", "/v1/health");
    const Response response = client.response();
    CHECK(response.result_int() == 200);
    CHECK(response[http::field::content_type] == "application/json");
    CHECK(response.keep_alive());
    CHECK(body_of(response) == json{{"status", "ok"}});
  }
}

TEST_CASE("requests sent ahead are answered one after the other") {
  Daemon daemon;
  Client client(daemon.socket);
  client.send("GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(body_of(client.response()).contains("status"));
  CHECK(body_of(client.response()).contains("version"));
}

TEST_CASE("a client that wants its connection closed gets it closed") {
  Daemon daemon;
  Client client(daemon.socket);
  client.request("GET", "/v1/health", "", "Connection: close\r\n");
  CHECK_FALSE(client.response().keep_alive());
  CHECK(client.at_end());
}

TEST_CASE("a client of HTTP/1.0 is answered and its connection closed") {
  Daemon daemon;
  Client client(daemon.socket);
  client.send("GET /v1/health HTTP/1.0\r\n\r\n");
  CHECK(client.response().result_int() == 200);
  CHECK(client.at_end());
}

TEST_CASE("an error is a problem, and the connection goes on") {
  Daemon daemon;
  Client client(daemon.socket);
  client.request("GET", "/v1/nonsense");
  const Response response = client.response();
  CHECK(response.result_int() == 404);
  CHECK(response[http::field::content_type] == "application/problem+json");
  CHECK(body_of(response).at("code") == "not_found");
  CHECK(body_of(response).at("status") == 404);
  client.request("POST", "/v1/cache/images", "{");
  CHECK(client.response().result_int() == 400);
  client.request("GET", "/v1/health");
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("a body that is too large is refused with the limit, however much the client has sent") {
  Daemon daemon({.body_bytes = 1000});
  SUBCASE("as it says itself") {
    Client client(daemon.socket);
    client.request("POST", "/v1/cache/images", std::string(1001, ' '));
    const Response response = client.response();
    CHECK(response.result_int() == 413);
    CHECK(body_of(response).at("code") == "invalid_request");
    CHECK(body_of(response).at("status") == 413);
    CHECK(body_of(response).at("detail").get<std::string>().find("1000 B") != std::string::npos);
    CHECK(client.at_end());
  }
  SUBCASE("as it turns out in chunks") {
    Client client(daemon.socket);
    client.send("POST /v1/cache/images HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                std::string(2000, ' ') + "\r\n0\r\n\r\n");
    CHECK(client.response().result_int() == 413);
  }
  SUBCASE("and not one byte earlier") {
    Client client(daemon.socket);
    client.request("POST", "/v1/cache/images", kPrecacheBody + std::string(1000 - kPrecacheBody.size(), ' '));
    CHECK(client.response().result_int() == 200);
  }
}

TEST_CASE("a head that is too large is refused") {
  Daemon daemon({.header_bytes = 1024});
  Client client(daemon.socket);
  client.request("GET", "/v1/health", "", "X-Filler: " + std::string(2000, 'x') + "\r\n");
  CHECK(client.response().result_int() == 431);
  CHECK(client.at_end());
}

TEST_CASE("what is no HTTP is answered once and not listened to any more") {
  Daemon daemon;
  for (const char* bytes :
       {"nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /v1/health HTTP/1.1\r\nBad Header: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "\x16\x03\x01\r\n\r\n"}) {
    CAPTURE(bytes);
    Client client(daemon.socket);
    client.send(bytes);
    const Response response = client.response();
    CHECK(response.result_int() == 400);
    CHECK(body_of(response).at("code") == "invalid_request");
    CHECK(client.at_end());
  }
}

TEST_CASE("a client that goes away in the middle of its request leaves the others alone") {
  Daemon daemon;
  { Client(daemon.socket).send("POST /v1/cache/images HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"); }
  { Client(daemon.socket).send("GET /v1/he"); }
  { const Client silent(daemon.socket); }
  Client client(daemon.socket);
  client.request("GET", "/v1/health");
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("a client that sends nothing is let go when its time is over") {
  Daemon daemon({.head_time = std::chrono::milliseconds(10)});
  Client client(daemon.socket);
  CHECK(client.at_end());
}

TEST_CASE("a client that stops in the middle of its body is let go when its time is over") {
  Daemon daemon({.body_time = std::chrono::milliseconds(10)});
  Client client(daemon.socket);
  client.send("POST /v1/cache/images HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{");
  CHECK(client.at_end());
}

TEST_CASE("a client that asks before it sends its body is told to go on") {
  Daemon daemon;
  Client client(daemon.socket);
  client.send("POST /v1/cache/images HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(kPrecacheBody.size()) + "\r\n\r\n");
  CHECK(client.response().result_int() == 100);
  client.send(kPrecacheBody);
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("long work is answered when it has ended") {
  Daemon daemon;
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody);
  const Response response = client.response();
  CHECK(response.result_int() == 200);
  CHECK(response[http::field::content_type] == "application/json");
  CHECK(body_of(response).at("how") == "built");
}

TEST_CASE("a stream of events tells that it started, how far it is, and the result") {
  Daemon daemon;
  daemon.source.gate.close();
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody, kStreaming);
  http::response_parser<http::string_body> parser;
  const json started = client.event(parser);
  CHECK(parser.get().result_int() == 200);
  CHECK(parser.get()[http::field::content_type] == "application/x-ndjson");
  CHECK(started.at("event") == "started");
  CHECK(daemon.operations.find(started.at("operation").get<std::string>()) != nullptr);
  daemon.source.gate.open();
  json event = client.event(parser);
  while (event.at("event") == "progress") {
    CHECK(event.contains("step"));
    CHECK(event.contains("done"));
    event = client.event(parser);
  }
  CHECK(event.at("event") == "result");
  CHECK(event.at("result").at("how") == "built");
}

TEST_CASE("the connection of a stream goes on after it") {
  Daemon daemon;
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody, kStreaming);
  CHECK(client.response().body().find(R"("event":"result")") != std::string::npos);
  client.request("GET", "/v1/health");
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("a stream that fails ends with the problem") {
  Daemon daemon;
  daemon.source.fails = true;
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody, kStreaming);
  const Response response = client.response();
  CHECK(response.result_int() == 200);  // it had begun when nobody knew
  std::vector<std::string> lines;
  boost::split(lines, response.body(), [](char c) { return c == '\n'; });
  REQUIRE(lines.size() >= 3);
  CHECK(lines.back().empty());
  const json last = json::parse(lines[lines.size() - 2]);
  CHECK(last.at("event") == "error");
  CHECK(last.at("problem").at("code") == "source_unavailable");
  CHECK(last.at("problem").at("status") == 502);
}

TEST_CASE("a request that is wrong has no stream but its status, whatever it accepts") {
  Daemon daemon;
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", "{}", kStreaming);
  CHECK(client.response().result_int() == 400);
}

TEST_CASE("a client of HTTP/1.0, which knows no chunks, gets the answer alone") {
  Daemon daemon;
  Client client(daemon.socket);
  client.send("POST /v1/cache/images HTTP/1.0\r\n" + kStreaming +
              "Content-Length: " + std::to_string(kPrecacheBody.size()) + "\r\n\r\n" + kPrecacheBody);
  CHECK(body_of(client.response()).at("how") == "built");
  CHECK(client.at_end());
}

TEST_CASE("a client that hangs up cancels what it asked for") {
  Daemon daemon;
  daemon.source.gate.close();
  std::string more;
  SUBCASE("that waits for the answer") {}
  SUBCASE("that follows the events") { more = kStreaming; }
  {
    Client client(daemon.socket);
    client.request("POST", "/v1/cache/images", kPrecacheBody, more);
    daemon.source.gate.wait_for_arrivals(1);
  }
  daemon.wait_for_no_operations();
  CHECK_FALSE(boost::filesystem::exists(daemon.layout.base_file(model::CacheKey::for_image(kImageUrl))));
}

TEST_CASE("a hook waits until it is answered or has gone, while what it asked for goes on") {
  Daemon daemon;
  daemon.source.gate.close();
  const std::string target = "/v1/domains/" + kInstance + "/prepare";
  const std::string body = R"({"request": {"image_ref": ")" + kImageUrl + "\"}}";
  const HookWait hooks = daemon.operations.hook_wait();
  {
    Client client(daemon.socket);
    client.request("POST", target, body);
    daemon.source.gate.wait_for_arrivals(1);
    CHECK(hooks.is_on());
  }
  while (hooks.is_on()) std::this_thread::yield();
  CHECK(daemon.operations.all().size() == 1);
  Client again(daemon.socket);
  again.request("POST", target, body);
  while (!hooks.is_on()) std::this_thread::yield();
  daemon.source.gate.open();
  CHECK(again.response().result_int() == 200);
  while (hooks.is_on()) std::this_thread::yield();
}

TEST_CASE("nobody waits for a hook's answer to what is prepared beforehand") {
  Daemon daemon;
  daemon.source.gate.close();
  Client client(daemon.socket);
  client.request("POST", "/v1/domains/" + kInstance + "/prepare",
                 R"({"beforehand": true, "request": {"image_ref": ")" + kImageUrl + "\"}}");
  daemon.source.gate.wait_for_arrivals(1);
  CHECK_FALSE(daemon.operations.hook_wait().is_on());
  daemon.source.gate.open();
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("a client that has only finished sending still gets its answer") {
  Daemon daemon;
  daemon.source.gate.close();
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody);
  client.finish_sending();
  daemon.source.gate.wait_for_arrivals(1);
  daemon.source.gate.open();
  CHECK(client.response().result_int() == 200);
}

TEST_CASE("an operation is cancelled from another connection, and its client is told") {
  Daemon daemon;
  daemon.source.gate.close();
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody);
  daemon.source.gate.wait_for_arrivals(1);
  Client other(daemon.socket);
  other.request("DELETE", "/v1/operations/" + daemon.operations.all().at(0)->id());
  CHECK(other.response().result_int() == 200);
  const Response response = client.response();
  CHECK(response.result_int() == 499);
  CHECK(body_of(response).at("code") == "cancelled");
}

TEST_CASE("a stop ends idle connections and tells the clients of running operations") {
  Daemon daemon;
  daemon.source.gate.close();
  Client idle(daemon.socket);
  idle.request("GET", "/v1/health");
  idle.response();
  Client client(daemon.socket);
  client.request("POST", "/v1/cache/images", kPrecacheBody);
  daemon.source.gate.wait_for_arrivals(1);
  daemon.thread.request_stop();
  CHECK(client.response().result_int() == 499);
  CHECK(idle.at_end());
  daemon.thread.join();
}

TEST_CASE("a peer who may not speak is told so, and nothing else") {
  Daemon daemon({}, PeerPolicy({::geteuid() + 1}, {}));
  Client client(daemon.socket);
  const Response response = client.response();  // without having asked
  CHECK(response.result_int() == 403);
  CHECK(body_of(response).at("code") == "forbidden");
  CHECK_FALSE(body_of(response).at("hint").get<std::string>().empty());
  CHECK(client.at_end());
}
