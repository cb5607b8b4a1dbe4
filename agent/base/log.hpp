#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace basecache {

enum class LogLevel { debug, info, warning, error, critical };

struct LogField {
  std::string_view key;
  std::string value;

  template <class T>
  LogField(std::string_view field_key, const T& field_value) : key(field_key), value(fmt::format("{}", field_value)) {}
};

// One event, one line: "event=<name> key=value ...", values quoted where they hold spaces or control bytes.
// Goes to stderr through spdlog; with a journal on stderr each line carries its "<N>" priority.
// Above debug only main, server, pruner, quarantine, recovery and periodic work log; libraries throw. No secrets.
void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

// Lowest level that is written. From config, before the first thread starts.
void set_log_level(LogLevel level);

}  // namespace basecache
