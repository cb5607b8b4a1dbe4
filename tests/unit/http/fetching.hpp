#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/fetch/image_source.hpp"
#include "backends/http/http_client.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::http {

// Keeps what it is given, and how often it was told to start.
class RecordingSink : public fetch::ImageSink {
 public:
  std::optional<fetch::HeldBytes> held() override {
    if (transfer.version.empty()) return std::nullopt;
    return fetch::HeldBytes{.transfer = transfer, .count = {content.size()}};
  }
  void start(const fetch::Transfer& announced) override {
    starts.push_back(announced.size);
    transfer = announced;
    content.clear();
  }
  void verify() override {}
  void write(std::span<const std::byte> bytes) override {
    content.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }

  std::vector<std::optional<Bytes>> starts;
  fetch::Transfer transfer;
  std::string content;
};

// Retries at once, and takes three attempts at most. A stall must be asked for: no slow machine stalls by itself.
inline HttpSettings eager_settings() {
  HttpSettings settings;
  settings.retry = {.retries = 2, .first_delay = std::chrono::milliseconds(0)};
  settings.slowest = 1;
  return settings;
}

inline HttpSettings impatient_settings() {
  HttpSettings settings = eager_settings();
  settings.stall_timeout = std::chrono::milliseconds(20);
  return settings;
}

// One client of its own, and what became of its downloads.
struct Fetching {
  explicit Fetching(HttpSettings settings = eager_settings()) : client(library, std::move(settings)) {}

  void download(const std::string& url, const std::string& version = "") {
    client.download({.urls = {url}}, version, sink, test::test_operation());
  }

  // The Error that the download must end in.
  Error failure(const std::string& url) {
    try {
      download(url);
    } catch (const Error& error) {
      return error;
    }
    FAIL("the download succeeded");
    return {ErrorCode::internal, ""};
  }

  HttpLibrary library;
  HttpClient client;
  RecordingSink sink;
};

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace basecache::http
