#pragma once

#include <string>

#include "agent/base/error.hpp"

namespace basecache::cli {

// A failure that has been told; what is left is to end with this code.
struct Told {
  int exit_code;
};

// Each tells on stderr what went wrong, for people or as one problem object of the API (README, "The socket"), and
// returns the exit code.

int tell(const Error& error, bool as_json);
// `left` is what remains of the work ("": nothing does).
int tell_cancelled(const std::string& left, bool as_json);
// The exception that is being handled, whichever it is. What has been told isn't told again.
int tell_current(bool as_json);

}  // namespace basecache::cli
