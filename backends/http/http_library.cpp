#include "backends/http/http_library.hpp"

#include <curl/curl.h>

#include <string>

#include "agent/base/error.hpp"

namespace basecache::http {

HttpLibrary::HttpLibrary() {
  const CURLcode result = ::curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) {
    throw Error(ErrorCode::internal, std::string("cannot start libcurl: ") + ::curl_easy_strerror(result));
  }
}

HttpLibrary::~HttpLibrary() { ::curl_global_cleanup(); }

}  // namespace basecache::http
