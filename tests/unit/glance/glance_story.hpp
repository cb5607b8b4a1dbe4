#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/fetch/image_source.hpp"
#include "backends/glance/glance_client.hpp"
#include "backends/glance/image_endpoints.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/support/scripted_server.hpp"

namespace basecache::glance {

// The servers of a story; its tokens are given in order, each until it is refused.
class StoryEndpoints : public ImageEndpoints {
 public:
  Access access(const OpContext&) override {
    return {.servers = servers, .token = Secret(refusals < tokens.size() ? tokens[refusals] : "")};
  }
  void refused(const Secret& token) override {
    CHECK(token.reveal() == tokens.at(refusals));
    ++refusals;
  }

  std::vector<std::string> servers;
  std::vector<std::string> tokens{"first-token", "second-token"};
  std::size_t refusals = 0;
};

// Three attempts at most, and no waiting between them.
inline constexpr http::RetryParameters kAtOnce{.retries = 2, .first_delay = std::chrono::milliseconds(0)};

inline http::HttpSettings eager_settings() {
  http::HttpSettings settings;
  settings.retry = kAtOnce;
  settings.slowest = 1;
  return settings;
}

// "http://127.0.0.1:<port>", as endpoints are named.
inline std::string base_url(const test::ScriptedServer& server) {
  const std::string url = server.url("");
  return url.substr(0, url.size() - 1);
}

// A client whose servers are asked in the order in which they are listed.
struct Story {
  explicit Story(const test::ScriptedServer& server) : Story(std::vector{base_url(server)}) {}
  explicit Story(std::vector<std::string> servers) { endpoints.servers = std::move(servers); }

  http::HttpLibrary library;
  http::HttpClient http{library, eager_settings()};
  StoryEndpoints endpoints;
  GlanceClient client{http, endpoints, {.random = [](std::size_t n) { return n - 1; }}};
  OpContext op = test::test_operation();
};

// The bytes that a source sends, kept across attempts.
class KeptImage : public fetch::ImageSink {
 public:
  std::optional<fetch::HeldBytes> held() override {
    if (transfer.version.empty()) return std::nullopt;
    return fetch::HeldBytes{.transfer = transfer, .count = {bytes.size()}};
  }
  void start(const fetch::Transfer& announced) override {
    ++starts;
    transfer = announced;
    bytes.clear();
  }
  void verify() override {}
  void write(std::span<const std::byte> block) override {
    bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
  }

  int starts = 0;
  fetch::Transfer transfer;
  std::string bytes;
};

using test::code_of;
using test::error_of;

inline std::string field_of(const Error& error, std::string_view key) {
  for (const auto& [name, value] : error.fields()) {
    if (name == key) return value;
  }
  return "";
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace basecache::glance
