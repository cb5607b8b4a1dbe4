#pragma once

namespace basecache::http {

// libcurl is ready while this lives. One for a process, made by composition before any thread that could use it, and
// outliving every HttpClient.
class HttpLibrary {
 public:
  HttpLibrary();  // Error(internal)
  HttpLibrary(const HttpLibrary&) = delete;
  HttpLibrary& operator=(const HttpLibrary&) = delete;
  ~HttpLibrary();
};

}  // namespace basecache::http
