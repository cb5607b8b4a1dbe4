#include "agent/metadata/json_text.hpp"

#include <nlohmann/json.hpp>

namespace basecache::metadata {

using nlohmann::json;

std::string json_text(const json& value) { return value.dump(-1, ' ', true, json::error_handler_t::replace); }

json text_or_null(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace basecache::metadata
