#pragma once

#include <memory>
#include <string>

#include "tools/basecache/command.hpp"

namespace basecache::cli {

// The KEY of a base file as the last word of a command.
std::shared_ptr<std::string> add_key_argument(Command& command);

// Its path in the API. Error(invalid_request) when it isn't a key.
std::string key_target(const std::string& key);

}  // namespace basecache::cli
