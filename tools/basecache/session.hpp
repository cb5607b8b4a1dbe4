#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config.hpp"
#include "tools/basecache/agent_link.hpp"

namespace basecache::cli {

// JSON for people, several lines of it. Bytes that aren't UTF-8 (a file's name may hold any) are replaced.
std::string json_text(const nlohmann::json& value);

// To stdout, whatever bytes they are. Error when they can't be written.
void write_out(std::string_view shown);

// The options that stand before the command.
struct GlobalOptions {
  bool standalone = false;
  bool json = false;
  std::string socket;
  std::string config;
  std::string instances_path;
};

// One run of the command line: where the agent is, and how answers are shown.
class Session {
 public:
  GlobalOptions options;

  const Config& config();

  // Asks the agent, with a progress bar.
  nlohmann::json ask(const std::string& method, const std::string& target);
  nlohmann::json ask(const std::string& method, const std::string& target, const nlohmann::json& body);

  // The same by POST for what may fetch an image. A cancellation is told here: Told, not Cancelled, leaves it.
  nlohmann::json fetch(const std::string& target, const nlohmann::json& body);

  // The answer as JSON, or as `text` tells it. Error when it can't be written to stdout.
  void show(const nlohmann::json& answer, const std::function<std::string(const nlohmann::json&)>& text) const;

 private:
  nlohmann::json ask(api::Request request);
  AgentLink& link();

  std::optional<Config> config_;
  std::unique_ptr<AgentLink> link_;
};

}  // namespace basecache::cli
