#include "agent/provision/file_owner.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/base/unnamed_file.hpp"

namespace basecache::provision {
namespace {

constexpr const char* kHint = "name a user, or user:group, that this node knows, or their numbers";
constexpr std::size_t kEntryBytes = 64 * 1024;

// Of users and groups alike; the last number is nobody.
std::optional<std::uint32_t> number_in(const std::string& text) {
  const auto number = parse_unsigned(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Error unknown(std::string_view option, std::string_view what, const std::string& name) {
  return Error(ErrorCode::invalid_request, fmt::format("{}: there is no {} {}", option, what, quote(name, 80)))
      .set_hint(kHint);
}

FileOwner user_and_group(const passwd& entry) { return {.user = entry.pw_uid, .group = entry.pw_gid}; }

FileOwner user_named(const std::string& name, std::string_view option) {
  std::vector<char> space(kEntryBytes);
  passwd entry{};
  passwd* found = nullptr;
  if (const auto number = number_in(name)) {
    const bool is_known = ::getpwuid_r(*number, &entry, space.data(), space.size(), &found) == 0 && found != nullptr;
    FileOwner owner;
    owner.user = *number;
    return is_known ? user_and_group(entry) : owner;
  }
  const bool is_known = ::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == 0 && found != nullptr;
  if (name.empty() || !is_known) throw unknown(option, "user", name);
  return user_and_group(entry);
}

gid_t group_named(const std::string& name, std::string_view option) {
  if (const auto number = number_in(name)) return *number;
  std::vector<char> space(kEntryBytes);
  group entry{};
  group* found = nullptr;
  const bool is_known = ::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == 0 && found != nullptr;
  if (name.empty() || !is_known) throw unknown(option, "group", name);
  return entry.gr_gid;
}

}  // namespace

FileOwner owner_named(const std::string& text, std::string_view option) {
  if (text.empty()) return {};
  const std::size_t colon = text.find(':');
  FileOwner owner = user_named(text.substr(0, colon), option);
  if (colon != std::string::npos) owner.group = group_named(text.substr(colon + 1), option);
  return owner;
}

void require_right_to_give(const FileOwner& owner, const Path& directory, std::string_view option) {
  if (!owner.is_given()) return;
  if (::fchown(unnamed_file(directory).get(), owner.user, owner.group) == 0) return;
  const int error = errno;
  throw Error(ErrorCode::invalid_request, fmt::format("{}: files in {} can't be given to that user: {}", option,
                                                      quote(directory.native()), std::strerror(error)))
      .set_hint("start the agent as root with CAP_CHOWN, or leave the option as it is by default");
}

}  // namespace basecache::provision
