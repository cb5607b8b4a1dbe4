#include "agent/base/stop_event.hpp"

#include <doctest/doctest.h>
#include <poll.h>

namespace basecache {
namespace {

bool is_readable(const StopEvent& event) {
  pollfd waiting{event.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

}  // namespace

TEST_CASE("the descriptor becomes readable when a stop is asked for, and stays so") {
  std::stop_source source;
  const StopEvent event(source.get_token());
  CHECK_FALSE(is_readable(event));
  source.request_stop();
  CHECK(is_readable(event));
  CHECK(is_readable(event));
}

TEST_CASE("a stop asked for before is seen at once") {
  std::stop_source source;
  source.request_stop();
  CHECK(is_readable(StopEvent(source.get_token())));
}

TEST_CASE("a token that nobody can stop never makes it readable") { CHECK_FALSE(is_readable(StopEvent({}))); }

}  // namespace basecache
