#include "agent/base/error.hpp"

#include <cerrno>
#include <cstring>

namespace basecache {
namespace {

ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    case EROFS:
    case EACCES:
    case EPERM:
    case EIO:
    case ENXIO:
    case EFBIG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ESTALE:
      return ErrorCode::storage_unusable;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ErrorCode::busy;
    default:
      return ErrorCode::internal;
  }
}

}  // namespace

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_request:
      return "invalid_request";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::image_not_found:
      return "image_not_found";
    case ErrorCode::image_unacceptable:
      return "image_unacceptable";
    case ErrorCode::checksum_mismatch:
      return "checksum_mismatch";
    case ErrorCode::disk_too_small:
      return "disk_too_small";
    case ErrorCode::source_unauthorized:
      return "source_unauthorized";
    case ErrorCode::source_unavailable:
      return "source_unavailable";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::storage_unusable:
      return "storage_unusable";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::in_use:
      return "in_use";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::tool_failed:
      return "tool_failed";
    case ErrorCode::timed_out:
      return "timed_out";
    case ErrorCode::internal:
      return "internal";
  }
  return "internal";
}

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

Error Error::from_errno(int error_number, std::string_view doing) {
  char buffer[256];
  const char* reason = ::strerror_r(error_number, buffer, sizeof buffer);
  Error error(code_of(error_number), "cannot " + std::string(doing) + ": " + reason);
  if (error.code() == ErrorCode::no_space) error.set_hint(kNoSpaceHint);
  return error;
}

Error& Error::add_context(std::string_view doing) {
  message_.insert(0, std::string(doing) + ": ");
  return *this;
}

Error& Error::set_hint(std::string hint) {
  hint_ = std::move(hint);
  return *this;
}

Error& Error::add_field(std::string key, std::string value) {
  fields_.emplace_back(std::move(key), std::move(value));
  return *this;
}

}  // namespace basecache
