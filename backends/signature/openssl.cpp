#include "backends/signature/openssl.hpp"

#include <openssl/err.h>

namespace basecache::signature {

std::string last_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

}  // namespace basecache::signature
