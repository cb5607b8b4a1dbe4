#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace basecache {

// One code for each way a caller can react, not for each message. Closed: api/error_response answers
// HTTP status, CLI exit code and "may be retried" for every one of them in a switch without default.
enum class ErrorCode {
  invalid_request,      // the caller's words are wrong; fix the request
  forbidden,            // this peer may not ask for that
  not_found,            // no such instance, base file, operation or path of the API
  image_not_found,      // the source has no such image
  image_unacceptable,   // the bytes are not an image we take (format, backing file, truncated, empty)
  checksum_mismatch,    // the bytes are not the ones that were promised
  disk_too_small,       // flavor smaller than the image, or a shrink
  source_unauthorized,  // the source refuses us (401, 403)
  source_unavailable,   // the source can't be reached or breaks off; later may work
  no_space,             // ENOSPC, EDQUOT, no inodes
  storage_unusable,     // instances_path is read-only, not ours, or broken
  busy,                 // a limit of ours is reached; later may work
  in_use,               // somebody else holds it
  already_exists,       // it is there and must not be replaced
  tool_failed,          // a child program failed or is missing
  timed_out,            // the request's deadline passed
  internal,             // a bug of ours
};

// Stable name, as it stands in JSON and logs ("image_not_found").
std::string_view name_of(ErrorCode code);

// What to do about ErrorCode::no_space, wherever it was met.
inline constexpr const char* kNoSpaceHint = "free space there; 'basecache cache prune' removes base files nobody uses";

// The operation failed. Says what was being done, to what, why it failed; hint() says what to do.
// No secrets: URLs are redacted before they get here (see redact_url in base/text.hpp).
class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message);

  // From an errno captured by the caller; `doing` completes "cannot ...", e.g. "create '/x/disk'".
  // ENOSPC and EDQUOT become no_space; EROFS, EACCES, EPERM, EIO, ENXIO, EFBIG, ELOOP, ENOTDIR, EISDIR, ESTALE
  // storage_unusable; EMFILE, ENFILE, ENOMEM busy; everything else internal.
  static Error from_errno(int error_number, std::string_view doing);

  // Adds what the caller was doing in front: "<doing>: <message so far>". Returns *this.
  Error& add_context(std::string_view doing);
  Error& set_hint(std::string hint);
  // A machine-readable detail shown beside the message (field, path, url, exit, stderr ...).
  Error& add_field(std::string key, std::string value);

  const char* what() const noexcept override { return message_.c_str(); }
  ErrorCode code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::string& hint() const noexcept { return hint_; }
  const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

// The request was cancelled: by its caller, by shutdown, or because nobody waits for it any more.
// Not an Error and not a std::exception, so that no handler of failures can swallow it.
struct Cancelled {};

// Runs body; an Error that leaves it gets doing() in front. doing is only called on failure.
template <class Doing, class Body>
auto with_context(Doing&& doing, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (Error& error) {
    error.add_context(doing());
    throw;
  }
}

}  // namespace basecache
