#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

namespace basecache::cli {

// The KEY of a base file as the last word of a command.
std::shared_ptr<std::string> add_key_argument(CLI::App& command);

// Its path in the API. Error(invalid_request) when it isn't a key.
std::string key_target(const std::string& key);

}  // namespace basecache::cli
