#include "agent/api/unix_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <climits>

namespace basecache::api {
namespace {

using boost::system::error_code;

bool would_block(int error_number) { return error_number == EAGAIN; }  // EWOULDBLOCK is the same on Linux

int poll_time(UnixStream::Clock::time_point deadline) {
  if (deadline == UnixStream::Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - UnixStream::Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, INT_MAX));
}

}  // namespace

UnixStream::UnixStream(UniqueFd socket, int interrupt_fd) : socket_(std::move(socket)), interrupt_fd_(interrupt_fd) {
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK);
}

bool UnixStream::interrupted() const {
  pollfd watched{interrupt_fd_, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

bool UnixStream::wait(short events, bool interruptible, error_code& error) const {
  std::array<pollfd, 2> watched{pollfd{socket_.get(), events, 0},
                                pollfd{interruptible ? interrupt_fd_ : -1, POLLIN, 0}};
  while (true) {
    const int ready = ::poll(watched.data(), watched.size(), poll_time(deadline_));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) error.assign(errno, boost::system::system_category());
    if (ready == 0) error = boost::asio::error::timed_out;
    if (ready > 0 && watched[1].revents != 0) error = boost::asio::error::operation_aborted;
    return !error;
  }
}

std::size_t UnixStream::read(void* bytes, std::size_t size, error_code& error) {
  error = {};
  while (size > 0) {
    const ssize_t count = ::recv(socket_.get(), bytes, size, 0);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) {
      error = boost::asio::error::eof;
      return 0;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) {
      error.assign(errno, boost::system::system_category());
      return 0;
    }
    if (!wait(POLLIN, true, error)) return 0;
  }
  return 0;
}

std::size_t UnixStream::write(const void* bytes, std::size_t size, error_code& error) {
  error = {};
  while (size > 0) {
    const ssize_t count = ::send(socket_.get(), bytes, size, MSG_NOSIGNAL);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    if (!would_block(errno)) {
      error.assign(errno, boost::system::system_category());
      return 0;
    }
    if (!wait(POLLOUT, false, error)) return 0;
  }
  return 0;
}

void UnixStream::close_gracefully(std::chrono::milliseconds time, std::size_t most_bytes) {
  ::shutdown(socket_.get(), SHUT_WR);
  expires_after(time);
  std::array<char, 16 * 1024> discarded;
  error_code error;
  for (std::size_t count = 0; count < most_bytes && !error;) count += read(discarded.data(), discarded.size(), error);
  socket_.reset();
}

}  // namespace basecache::api
