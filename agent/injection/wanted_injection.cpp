#include "agent/injection/wanted_injection.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/injection/password.hpp"

namespace basecache::injection {
namespace {

std::string json_text(const std::string& text) { return nlohmann::json(text).dump(-1, ' ', true); }

int partition_of(const model::InstanceSpec& spec, const InjectionSettings& settings) {
  return spec.kernel_id || settings.is_container ? kWholeDisk : settings.partition;
}

}  // namespace

std::string metadata_text(const std::map<std::string, std::string>& metadata) {
  std::string text;
  for (const auto& [name, value] : metadata) {
    text += (text.empty() ? "{" : ", ") + json_text(name) + ": " + json_text(value);
  }
  return text.empty() ? "{}" : text + "}";
}

std::optional<Injection> wanted_injection(const model::InstanceSpec& spec, const InjectionSettings& settings,
                                          const std::string& network_file) {
  if (settings.partition == kSwitchedOff) return std::nullopt;
  Injection injection{.partition = partition_of(spec, settings), .items = {}};
  const auto add = [&](ItemKind kind, std::string text) { injection.items.push_back({kind, std::move(text), {}}); };
  if (settings.key && !spec.key_data.empty()) add(ItemKind::key, spec.key_data);
  if (!network_file.empty()) add(ItemKind::network, network_file);
  if (!spec.metadata.empty()) add(ItemKind::metadata, metadata_text(spec.metadata));
  if (settings.password && !spec.admin_pass.empty()) {
    add(ItemKind::admin_password, sha512_crypt(spec.admin_pass, random_salt()));
  }
  if (!spec.injected_files.empty() && spec.suffix.empty()) {
    injection.items.push_back({ItemKind::files, {}, spec.injected_files});
  }
  if (injection.items.empty()) return std::nullopt;
  return injection;
}

}  // namespace basecache::injection
