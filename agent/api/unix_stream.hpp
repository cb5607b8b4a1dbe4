#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstddef>

#include "agent/base/unique_fd.hpp"

namespace basecache::api {

// A connected Unix socket as a SyncReadStream and SyncWriteStream of Boost.Asio (so Boost.Beast speaks HTTP over it),
// with what Asio's blocking sockets lack: a deadline, and a descriptor that ends the wait for a silent peer.
class UnixStream {
 public:
  using Clock = std::chrono::steady_clock;

  // `interrupt_fd`: readable when reads shall end (operation_aborted); -1 for none. Not owned.
  explicit UnixStream(UniqueFd socket, int interrupt_fd = -1);

  int fd() const { return socket_.get(); }
  // Whether the time has come at which reads shall end; a peer that always has sent more would not let them.
  bool interrupted() const;
  // Reads and writes that aren't done by then fail with boost::asio::error::timed_out.
  void expires_after(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }

  template <class Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    const boost::asio::mutable_buffer buffer = first_of<boost::asio::mutable_buffer>(buffers);
    return read(buffer.data(), buffer.size(), error);
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    const boost::asio::const_buffer buffer = first_of<boost::asio::const_buffer>(buffers);
    return write(buffer.data(), buffer.size(), error);
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return checked([&](auto& error) { return read_some(buffers, error); });
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return checked([&](auto& error) { return write_some(buffers, error); });
  }

  // Says that nothing more will come, and listens to the rest of what the peer sends, for at most `time` and
  // `most_bytes`: a socket closed on unread bytes takes the answer away that its peer hasn't read.
  void close_gracefully(std::chrono::milliseconds time, std::size_t most_bytes);

 private:
  std::size_t read(void* bytes, std::size_t size, boost::system::error_code& error);
  std::size_t write(const void* bytes, std::size_t size, boost::system::error_code& error);
  // False, and `error` set, when the deadline passed or the wait was interrupted.
  bool wait(short events, bool interruptible, boost::system::error_code& error) const;

  template <class Buffer, class Buffers>
  static Buffer first_of(const Buffers& buffers) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers); it != boost::asio::buffer_sequence_end(buffers); ++it) {
      if (Buffer buffer(*it); buffer.size() > 0) return buffer;
    }
    return {};
  }
  template <class Transfer>
  static std::size_t checked(Transfer transfer) {
    boost::system::error_code error;
    const std::size_t count = transfer(error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

  UniqueFd socket_;
  int interrupt_fd_;
  Clock::time_point deadline_ = Clock::time_point::max();
};

}  // namespace basecache::api
