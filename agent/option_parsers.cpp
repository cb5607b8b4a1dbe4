#include "agent/option_parsers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/ephemeral_format.hpp"
#include "agent/model/image.hpp"

namespace basecache {
namespace {

// Whether the line is "os_type=command", and not more words of the command above it, which may have '=' in them too.
bool begins_command(std::string_view line) {
  const std::string_view os_type = trim(line.substr(0, line.find('=')));
  return os_type.size() < line.size() && !os_type.starts_with('-') && os_type.find_first_of(" \t%") == line.npos;
}

std::vector<std::string> whole_commands(std::string_view text) {
  std::vector<std::string> commands;
  for (const std::string& line : split_lines(text)) {
    if (commands.empty() || begins_command(line)) {
      commands.push_back(line);
    } else {
      commands.back() += "\n" + line;
    }
  }
  return commands;
}

}  // namespace

std::string parse_file_system(std::string_view text) {
  if (text.empty() || model::is_supported_file_system(text)) return std::string(text);
  throw BadValue(fmt::format("empty or one of {}", fmt::join(model::supported_file_systems(), ", ")));
}

MkfsCommands parse_mkfs_commands(std::string_view text) {
  MkfsCommands commands;
  for (const std::string& line : whole_commands(text)) {
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view os_type = trim(std::string_view(line).substr(0, equals));
    const std::string_view words = std::string_view(line).substr(std::min(equals + 1, line.size()));
    const auto command = model::MkfsCommand::parse(words);
    const bool is_none = equals < line.size() && words.empty();
    if (os_type.empty() || (!command && !is_none)) {
      throw BadValue("os_type=command, with %(target)s in the command, and no '%' but in that, %(fs_label)s and %%");
    }
    commands.insert_or_assign(std::string(os_type), command);
  }
  return commands;
}

std::string show_mkfs_commands(const MkfsCommands& commands) {
  std::vector<std::string> lines;
  for (const auto& [os_type, command] : commands) {
    const std::vector<std::string> words = split_lines(os_type + "=" + (command ? command->text() : ""));
    lines.insert(lines.end(), words.begin(), words.end());
  }
  return show_lines(lines);
}

std::vector<uid_t> parse_uids(std::string_view text) {
  std::vector<uid_t> uids;
  for (const std::string& part : split_list(text)) {
    // The last one is (uid_t)-1, which is nobody.
    uids.push_back(static_cast<uid_t>(parse_number(part, 0, std::numeric_limits<uid_t>::max() - 1)));
  }
  return uids;
}

std::vector<Path> parse_directories(std::string_view text) {
  std::vector<Path> directories;
  for (const std::string& part : split_list(text)) directories.push_back(parse_absolute_path(part));
  return directories;
}

std::string parse_owner(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view group = text.substr(std::min(colon + 1, text.size()));
  if (!text.empty() && (colon == 0 || (colon < text.size() && group.empty()))) throw BadValue("user or user:group");
  parse_word(text.substr(0, colon));
  parse_word(group);
  return std::string(text);
}

std::vector<std::string> parse_hosts(std::string_view text) {
  std::vector<std::string> hosts = split_list(text);
  for (const std::string& host : hosts) {
    const auto colons = std::ranges::count(host, ':');
    if (host.find_first_of("/@[] ") != std::string::npos || colons == 1) {
      throw BadValue("a list of host names or addresses, without scheme, brackets and port");
    }
  }
  return hosts;
}

std::vector<std::string> parse_words(std::string_view text) {
  std::vector<std::string> words = split_list(text);
  for (const std::string& word : words) {
    if (word.find_first_of(" /:") != std::string::npos) throw BadValue("a list of words");
  }
  return words;
}

std::vector<std::string> parse_servers(std::string_view text) {
  std::vector<std::string> servers = split_list(text);
  for (std::string& server : servers) {
    if (server.find("://") == std::string::npos) server = "http://" + server;
    if (!server.starts_with("http://") && !server.starts_with("https://")) {
      throw BadValue("a list of URLs of http or https");
    }
  }
  return servers;
}

std::vector<std::string> parse_uuids(std::string_view text) {
  std::vector<std::string> ids = split_list(text);
  for (std::string& id : ids) {
    id = lower_case(id);
    if (!is_uuid(id)) throw BadValue("a list of UUIDs");
  }
  return ids;
}

std::string parse_lvm_name(std::string_view text) {
  constexpr std::string_view legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+_.-";
  if (text.starts_with('-') || text.find_first_not_of(legal) != std::string_view::npos) {
    throw BadValue("a name of LVM: letters, digits and + _ . -, not beginning with -");
  }
  return std::string(text);
}

// A disk of 512-byte blocks can hold some hundred.
int parse_partition(std::string_view text) {
  if (text == "-2") return -2;
  if (text == "-1") return -1;
  try {
    return static_cast<int>(parse_number(text, 0, 256));
  } catch (const BadValue&) {
    throw BadValue("-2, -1 or the number of a partition, up to 256");
  }
}

std::optional<std::chrono::seconds> parse_prune_interval(std::string_view text) {
  if (text == "-1") return std::nullopt;
  try {
    const std::chrono::seconds interval = parse_seconds(text, std::chrono::seconds(0));
    return interval.count() == 0 ? std::chrono::seconds(60) : interval;
  } catch (const BadValue& bad) {
    throw BadValue(fmt::format("-1 or {}", bad.what()));
  }
}

std::string show_prune_interval(const std::optional<std::chrono::seconds>& interval) {
  return interval ? fmt::format("{}", interval->count()) : "-1";
}

std::vector<std::string> parse_precache(std::string_view text) {
  std::vector<std::string> entries = split_list(text);
  for (const std::string& entry : entries) {
    if (entry.starts_with('/')) {
      parse_absolute_path(entry);
      continue;
    }
    try {
      (void)model::ImageRef::parse(entry, "image");
    } catch (const Error& error) {
      throw BadValue(fmt::format("a list of image refs or absolute paths: {}", error.message()));
    }
  }
  return entries;
}

std::string parse_optional_path(std::string_view text) {
  return text.empty() ? std::string() : parse_absolute_path(text).string();
}

}  // namespace basecache
