#include "agent/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace basecache {
namespace {

// sd-daemon(3): systemd sets JOURNAL_STREAM to "device:inode" of the journal's socket.
bool stderr_is_the_journal() {
  const char* journal = std::getenv("JOURNAL_STREAM");
  struct stat found {};
  if (journal == nullptr || ::fstat(STDERR_FILENO, &found) != 0) return false;
  return fmt::format("{}:{}", found.st_dev, found.st_ino) == journal;
}

std::shared_ptr<spdlog::logger> make_logger() {
  auto logger = spdlog::stderr_logger_mt("basecache");
  logger->set_pattern(stderr_is_the_journal() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %l %v");
  return logger;
}

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = make_logger();
  return *instance;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
    case LogLevel::critical:
      return spdlog::level::critical;
  }
  return spdlog::level::err;
}

// syslog(3) priorities.
int priority(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return 7;
    case LogLevel::info:
      return 6;
    case LogLevel::warning:
      return 4;
    case LogLevel::error:
      return 3;
    case LogLevel::critical:
      return 2;
  }
  return 3;
}

bool is_plain(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '='; }

std::string field_text(const std::string& value) {
  bool plain = !value.empty();
  for (const char c : value) plain = plain && is_plain(c);
  if (plain) return value;
  std::string shown = "\"";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      if (c == '"' || c == '\\') shown += '\\';
      shown += c;
    }
  }
  return shown + "\"";
}

}  // namespace

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  static const bool journal = stderr_is_the_journal();
  if (!logger().should_log(spdlog_level(level))) return;
  std::string line = journal ? fmt::format("<{}>event={}", priority(level), event) : fmt::format("event={}", event);
  for (const LogField& field : fields) line += fmt::format(" {}={}", field.key, field_text(field.value));
  logger().log(spdlog_level(level), "{}", line);
}

void set_log_level(LogLevel level) { logger().set_level(spdlog_level(level)); }

}  // namespace basecache
