#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/secret.hpp"

namespace basecache::registry {

// How the bytes behind a location are had.
enum class LocationWay {
  file,
  http,
  s3,
  swift,
  none,  // a scheme that nothing here reads (rbd, cinder ...)
};

// "s3+https" of "s3+https://...", in lower case; "" for what isn't a URL.
std::string scheme_of(std::string_view url);
LocationWay way_of(std::string_view scheme);

// An object in a store, as Glance's drivers write its location (glance_store/_drivers/s3.py, swift/store.py):
// "s3+https://<access key>:<secret key>@<host>/<bucket>/<key>", where the secret key may have slashes in it, and
// "swift+http://[<user>:<key>@]<host>[/<path>]/<container>/<object>", percent-encoded.
struct StoreLocation {
  std::string user;  // "" without credentials
  Secret key;
  std::string url;  // http or https: "http://host/path", without a final slash
  std::string container;
  std::string object;

  std::string object_url() const { return url + "/" + container + "/" + object; }
};

// Error(source_unavailable) for what isn't one; without secrets.
StoreLocation parse_s3(std::string_view location);
StoreLocation parse_swift(std::string_view location);

// The region in a host name of Amazon's ("s3.eu-west-1.amazonaws.com"), else `otherwise`.
std::string region_of(std::string_view url, std::string_view otherwise);

}  // namespace basecache::registry
