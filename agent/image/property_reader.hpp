#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"

namespace basecache::image {

// Reads an image's properties one by one. Every wrong value is Error(`code`) naming the property, the value and what it
// may be.
class PropertyReader {
 public:
  PropertyReader(const std::map<std::string, std::string>& properties, ErrorCode code)
      : properties_(properties), code_(code) {}

  const std::string* find(const std::string& name) const;
  // The first of the names that is there: Nova's of today go before the legacy ones.
  const std::string* find(const std::string& name, const std::string& legacy) const;

  // As it is spelt in `allowed`.
  std::optional<std::string> word(const std::string& name, const std::vector<std::string_view>& allowed) const;
  std::optional<bool> truth(const std::string& name) const;
  std::optional<std::uint32_t> number(const std::string& name, std::uint32_t least, std::uint32_t most) const;
  // A list of objects in JSON, or an empty one. Errors call it by its legacy name.
  nlohmann::json objects(const std::string& name, const std::string& legacy) const;
  // Text without control bytes, which no kernel's command line and no XML has.
  std::optional<std::string> line(const std::string& name) const;
  // Of these characters, letters and digits.
  std::optional<std::string> name_like(const std::string& name, std::string_view marks) const;

  [[noreturn]] void refuse(const std::string& name, std::string_view value, const std::string& expected) const;
  [[noreturn]] void refuse(const std::string& name, std::string_view value,
                           const std::vector<std::string_view>& allowed) const;

 private:
  const std::map<std::string, std::string>& properties_;
  ErrorCode code_;
};

}  // namespace basecache::image
