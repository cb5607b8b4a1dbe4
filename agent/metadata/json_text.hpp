#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace basecache::metadata {

// As Nova writes JSON for guests: ASCII, everything else escaped. Bytes that aren't UTF-8 become U+FFFD; never throws.
std::string json_text(const nlohmann::json& value);

// null for "": what Nova has none of.
nlohmann::json text_or_null(const std::string& text);

}  // namespace basecache::metadata
