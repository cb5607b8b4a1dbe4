#include "tools/basecache/complaint.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/api/error_response.hpp"
#include "tools/basecache/agent_link.hpp"
#include "tools/basecache/session.hpp"

namespace basecache::cli {
namespace {

constexpr int kUnreachableExit = 10;

// fmt::print would throw where stderr is full.
void write(const std::string& text) { std::fputs(text.c_str(), stderr); }

void write(const nlohmann::json& problem) { write(json_text(problem) + "\n"); }

void write(const std::string& message, const std::string& hint) {
  write("basecache: " + message + "\n" + (hint.empty() ? "" : "  hint: " + hint + "\n"));
}

}  // namespace

int tell(const Error& error, bool as_json) {
  if (as_json) {
    write(api::problem(error));
  } else {
    write(error.message(), error.hint());
  }
  return api::answer_to(error.code()).exit_code;
}

int tell_cancelled(const std::string& left, bool as_json) {
  if (as_json) {
    nlohmann::json problem = api::cancelled_problem();
    if (!left.empty()) problem["hint"] = left;
    write(problem);
  } else {
    write(left.empty() ? "cancelled" : "cancelled; " + left, "");
  }
  return api::kCancelledAnswer.exit_code;
}

int tell_current(bool as_json) {
  try {
    throw;
  } catch (const Told& told) {
    return told.exit_code;
  } catch (const Error& error) {
    return tell(error, as_json);
  } catch (const Cancelled&) {
    return tell_cancelled("", as_json);
  } catch (const Unreachable& error) {
    write(error.message, error.hint);
    return kUnreachableExit;
  } catch (const std::exception& error) {
    return tell(Error(ErrorCode::internal, std::string("unexpected: ") + error.what()), as_json);
  }
}

}  // namespace basecache::cli
