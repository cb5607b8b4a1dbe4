#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/digest.hpp"

namespace basecache::model {

// A caller's text as JSON. Error(invalid_request): "<what> is not JSON: ..." with line and column but without a byte of
// the text, which may hold passwords; and for one that nests deeper, or has more values, than any request or
// answer, before it is built.
nlohmann::json parse_json(const std::string& text, std::string_view what);

// Reads the fields of one JSON object of a caller and remembers which were asked for, so that finish() can refuse
// the rest. Every error is Error(invalid_request) that names the field by its whole path ("flavor.root_gb").
// null counts as absent. The object must outlive the reader.
class JsonFields {
 public:
  // `path` is "" for the whole body. Error when `value` isn't an object.
  JsonFields(const nlohmann::json& value, std::string path);

  std::optional<std::string> text(std::string_view name, std::size_t max_bytes);
  std::string required_text(std::string_view name, std::size_t max_bytes);
  // A whole number from 0 to max; negative, fractional and absurd ones are refused with the range.
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t max);
  // The same from `least`, which may be below 0.
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<bool> boolean(std::string_view name);
  std::optional<Digest> digest(std::string_view name);  // "sha256:<hex>"
  const nlohmann::json* object(std::string_view name);  // null when absent
  const nlohmann::json* array(std::string_view name, std::size_t max_items);

  std::string path_of(std::string_view name) const;
  // Error naming the first unknown field and the nearest known one.
  void finish();

 private:
  const nlohmann::json* find(std::string_view name);

  const nlohmann::json& value_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace basecache::model
