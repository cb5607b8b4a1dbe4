#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace basecache::glance {

// Changes to an image's record, as a JSON patch of the image API ("openstack-images-v2.1-json-patch", RFC 6902).
class ImagePatch {
 public:
  using Value = std::variant<std::string, bool, std::uint64_t, std::vector<std::string>>;

  static constexpr std::string_view kMediaType = "application/openstack-images-v2.1-json-patch";

  // Adds the member or property, or replaces what it is.
  ImagePatch& set(std::string name, Value value);
  ImagePatch& remove(std::string name);
  // One more place where the bytes are; "url" may hold credentials.
  ImagePatch& add_location(std::string url);

  bool empty() const { return operations_.empty(); }
  // Whether the record is the same when the patch is applied twice.
  bool is_repeatable() const;
  std::string body() const;

 private:
  struct Operation {
    enum class Kind { set, remove, add_location };
    Kind kind;
    std::string name;
    Value value;
  };

  std::vector<Operation> operations_;
};

}  // namespace basecache::glance
