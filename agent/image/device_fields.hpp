#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/image/property_reader.hpp"

namespace basecache::image {

// "/dev/vda", "vda": as a request may call one.
bool is_device_name(std::string_view name);

// Reads the members of one block device that an image names, by its property ("block_device_mapping[0]"). null counts
// as absent, and numbers may be text, as Nova has it. A wrong value is the reader's error, naming the member.
class DeviceFields {
 public:
  DeviceFields(const PropertyReader& read, const nlohmann::json& item, std::string path)
      : read_(read), item_(item), path_(std::move(path)) {}

  std::string text(const char* name) const;  // "" where there is none
  std::string word(const char* name, std::initializer_list<std::string_view> allowed, bool is_required) const;
  bool truth(const char* name) const;
  std::uint64_t size(const char* name) const;  // 0 where there is none
  std::optional<std::int64_t> integer(const char* name) const;
  std::string device_name(const char* name) const;                  // "vdb"; "" where there is none
  std::optional<std::string> guest_format(const char* name) const;  // one of supported_guest_formats()

  [[noreturn]] void refuse(const std::string& expected) const;  // the whole

 private:
  const nlohmann::json* find(const char* name) const;
  [[noreturn]] void refuse(const char* name, const nlohmann::json& value, const std::string& expected) const;

  const PropertyReader& read_;
  const nlohmann::json& item_;
  std::string path_;
};

}  // namespace basecache::image
