#pragma once

#include <fmt/format.h>

#include <string>

#include "tests/support/scripted_server.hpp"

namespace basecache::keystone {

struct TokenTimes {
  std::string issued_at = "2026-11-20T00:00:00.000000Z";
  std::string expires_at = "2026-11-20T01:00:00.000000Z";
};

// As Keystone writes it, with an endpoint of Glance in the catalog.
inline std::string token_body(const TokenTimes& times) {
  return fmt::format(R"({{"token": {{"methods": ["password"], "issued_at": "{}", "expires_at": "{}", "catalog": [
    {{"type": "image", "name": "glance", "endpoints": [
      {{"interface": "public", "region_id": "RegionOne", "url": "http://glance:9292"}}]}}]}}}})",
                     times.issued_at, times.expires_at);
}

inline test::Reply token_answer(const std::string& id, const TokenTimes& times = {}) {
  return test::answer(201, token_body(times), "X-Subject-Token: " + id + "\r\n");
}

}  // namespace basecache::keystone
