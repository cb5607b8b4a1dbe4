#pragma once

#include <string>
#include <vector>

#include "agent/base/path.hpp"

namespace basecache {

// [glance]: the image service. Names and meaning are nova.conf's.
struct GlanceConfig {
  std::vector<std::string> api_servers;       // URLs; empty: as the catalog says
  unsigned api_version = 2;                   // ours: 1 is for registries from before 2014
  std::vector<std::string> registry_servers;  // ours: URLs of version 1's own registry; empty: api_servers know
  std::string endpoint_override;
  std::string service_type = "image";
  std::string service_name;
  std::vector<std::string> valid_interfaces{"internal", "public"};  // best first
  std::string region_name;                                          // empty: any
  Path cafile;
  Path certfile;
  Path keyfile;
  unsigned num_retries = 3;  // after the first attempt
  std::vector<std::string> allowed_direct_url_schemes;
  bool verify_glance_signatures = false;
  bool enable_certificate_validation = false;
  std::vector<std::string> default_trusted_certificate_ids;
};

}  // namespace basecache
