#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "agent/base/error.hpp"

namespace basecache::api {

// How the outside learns of an ErrorCode. The one place where codes meet numbers.
struct ErrorAnswer {
  int http_status;
  int exit_code;  // of the CLI
};

ErrorAnswer answer_to(ErrorCode code);

// The code of that name; nothing for a name that a newer agent may use.
std::optional<ErrorCode> error_code_from(std::string_view name);

// Nobody's error: the request was cancelled. 499 is nginx's "client closed request"; 130 is a shell's for SIGINT.
inline constexpr ErrorAnswer kCancelledAnswer{.http_status = 499, .exit_code = 130};

// application/problem+json (RFC 9457): type "urn:basecache:error:<code>", title, status, code, detail, and where there
// are any hint and fields {name: value}.
nlohmann::json problem(const Error& error);
nlohmann::json cancelled_problem();

}  // namespace basecache::api
