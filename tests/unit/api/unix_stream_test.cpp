#include "agent/api/unix_stream.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <string>

using namespace basecache;
using namespace basecache::api;
using boost::asio::buffer;
using boost::system::error_code;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kSoon{10};
constexpr milliseconds kNever{60'000};

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    ours = UniqueFd(ends[0]);
    theirs = UniqueFd(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    reader = UniqueFd(ends[0]);
    writer = UniqueFd(ends[1]);
  }
  UniqueFd reader;
  UniqueFd writer;
};

void send_text(const UniqueFd& socket, const std::string& text) {
  REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string receive_all(const UniqueFd& socket) {
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t count; (count = ::recv(socket.get(), block.data(), block.size(), 0)) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(count));
  }
  return text;
}

// Fills what the kernel buffers between the two ends.
std::size_t fill(UnixStream& stream, error_code& error) {
  const std::string block(64 * 1024, 'x');
  std::size_t sent = 0;
  while (!error) sent += stream.write_some(buffer(block), error);
  return sent;
}

}  // namespace

TEST_CASE("bytes go both ways, and the end of them is seen") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  boost::asio::write(stream, buffer("hello", 5));
  send_text(pair.theirs, "world");
  std::string answer(5, ' ');
  boost::asio::read(stream, buffer(answer));
  CHECK(answer == "world");

  ::shutdown(pair.theirs.get(), SHUT_WR);
  error_code error;
  CHECK(stream.read_some(buffer(answer), error) == 0);
  CHECK(error == boost::asio::error::eof);
  ::shutdown(stream.fd(), SHUT_WR);
  CHECK(receive_all(pair.theirs) == "hello");
}

TEST_CASE("a read takes what is there, and empty buffers nothing at all") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  send_text(pair.theirs, "abc");
  std::string room(10, ' ');
  error_code error;
  CHECK(stream.read_some(boost::asio::mutable_buffer(), error) == 0);
  CHECK_FALSE(error);
  const std::array<boost::asio::mutable_buffer, 2> buffers{boost::asio::mutable_buffer(), buffer(room)};
  CHECK(stream.read_some(buffers, error) == 3);
  CHECK_FALSE(error);
  CHECK(room.substr(0, 3) == "abc");
}

TEST_CASE("a silent peer is given up when the time is over") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  stream.expires_after(kSoon);
  std::string room(10, ' ');
  error_code error;
  CHECK(stream.read_some(buffer(room), error) == 0);
  CHECK(error == boost::asio::error::timed_out);
}

TEST_CASE("a peer that doesn't read is given up when the time is over") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  stream.expires_after(kSoon);
  error_code error;
  CHECK(fill(stream, error) > 0);
  CHECK(error == boost::asio::error::timed_out);
}

TEST_CASE("a new time begins after one that is over") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  std::string room(10, ' ');
  error_code error;
  stream.expires_after(kSoon);
  stream.read_some(buffer(room), error);
  REQUIRE(error == boost::asio::error::timed_out);
  stream.expires_after(kNever);
  send_text(pair.theirs, "late");
  CHECK(stream.read_some(buffer(room), error) == 4);
  CHECK_FALSE(error);
}

TEST_CASE("the other descriptor ends the wait for a silent peer") {
  Pair pair;
  Pipe interrupt;
  UnixStream stream(std::move(pair.ours), interrupt.reader.get());
  stream.expires_after(kNever);
  std::string room(10, ' ');
  error_code error;
  auto reading = std::async(std::launch::async, [&] { return stream.read_some(buffer(room), error); });
  REQUIRE(::write(interrupt.writer.get(), "!", 1) == 1);
  CHECK(reading.get() == 0);
  CHECK(error == boost::asio::error::operation_aborted);
}

TEST_CASE("an interrupt is seen even where there is always more to read") {
  Pair pair;
  Pipe interrupt;
  const UnixStream stream(std::move(pair.ours), interrupt.reader.get());
  send_text(pair.theirs, "more");
  CHECK_FALSE(stream.interrupted());
  REQUIRE(::write(interrupt.writer.get(), "x", 1) == 1);
  CHECK(stream.interrupted());
  CHECK_FALSE(UnixStream(std::move(pair.theirs)).interrupted());
}

TEST_CASE("what a peer has sent already is read in spite of an interruption") {
  Pair pair;
  Pipe interrupt;
  REQUIRE(::write(interrupt.writer.get(), "!", 1) == 1);
  UnixStream stream(std::move(pair.ours), interrupt.reader.get());
  send_text(pair.theirs, "request");
  std::string room(10, ' ');
  error_code error;
  CHECK(stream.read_some(buffer(room), error) == 7);
  CHECK_FALSE(error);
}

TEST_CASE("an answer is written to its end in spite of an interruption") {
  Pair pair;
  Pipe interrupt;
  REQUIRE(::write(interrupt.writer.get(), "!", 1) == 1);
  UnixStream stream(std::move(pair.ours), interrupt.reader.get());
  stream.expires_after(kNever);
  const std::string answer(4 << 20, 'x');  // more than the kernel buffers
  auto received = std::async(std::launch::async, [&] { return receive_all(pair.theirs); });
  boost::asio::write(stream, buffer(answer));
  ::shutdown(stream.fd(), SHUT_WR);
  CHECK(received.get() == answer);
}

TEST_CASE("a peer that has gone is an error, not a signal") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  pair.theirs.reset();
  error_code error;
  CHECK(stream.write_some(buffer("x", 1), error) == 0);
  CHECK(error == boost::system::errc::broken_pipe);
  CHECK_THROWS_AS(stream.write_some(buffer("x", 1)), boost::system::system_error);
}

TEST_CASE("closing gracefully leaves the answer to a peer that has more to say") {
  Pair pair;
  UnixStream stream(std::move(pair.ours));
  send_text(pair.theirs, std::string(50'000, 'x'));  // never read by us before the answer
  boost::asio::write(stream, buffer("too much", 8));
  auto received = std::async(std::launch::async, [&] {
    std::string answer = receive_all(pair.theirs);
    pair.theirs.reset();
    return answer;
  });
  stream.close_gracefully(kNever, 1 << 20);
  CHECK(stream.fd() == -1);
  CHECK(received.get() == "too much");
}

TEST_CASE("closing gracefully has an end although the peer has none") {
  SUBCASE("it stays silent") {
    Pair pair;
    UnixStream stream(std::move(pair.ours));
    stream.close_gracefully(kSoon, 1 << 20);
    CHECK(stream.fd() == -1);
  }
  SUBCASE("it sends more than is listened to") {
    Pair pair;
    UnixStream stream(std::move(pair.ours));
    send_text(pair.theirs, std::string(50'000, 'x'));
    stream.close_gracefully(kNever, 10'000);
    CHECK(stream.fd() == -1);
  }
}
