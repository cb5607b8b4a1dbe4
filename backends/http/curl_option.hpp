#pragma once

#include <curl/curl.h>

#include <new>
#include <string>

#include "agent/base/error.hpp"

namespace basecache::http {

// curl_easy_setopt(3) that can't fail unnoticed: an option that protects us must not be off because it wasn't taken.
template <class Value>
void set_option(CURL* easy, CURLoption option, Value value) {
  const CURLcode result = ::curl_easy_setopt(easy, option, value);
  if (result == CURLE_OK) return;
  if (result == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  throw Error(ErrorCode::internal,
              "cannot set option " + std::to_string(option) + " of libcurl: " + ::curl_easy_strerror(result));
}

}  // namespace basecache::http
