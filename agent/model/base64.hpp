#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace basecache::model {

std::string base64_encode(std::string_view bytes);
// Standard alphabet, padding required, line breaks ignored; nothing when it isn't base64.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace basecache::model
