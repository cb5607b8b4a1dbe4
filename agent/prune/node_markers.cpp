#include "agent/prune/node_markers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/base/file_lock.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/layout/state_files.hpp"

namespace basecache::prune {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;
constexpr std::array<std::string_view, 2> kEnds{".json", ".lock"};
constexpr std::size_t kMostUsers = 4;  // of a key that are told by name
constexpr Bytes kLargestMarker = mebibytes(64);
constexpr std::chrono::seconds kLookingTakes{2};
constexpr std::chrono::milliseconds kChangingTakes{200};
constexpr std::time_t kClocksDiffer = 3600;  // at most; what was told later than that from now isn't believed

// As much as a file's name may have of a host's: letters, digits, '-', '_' and inner dots; the rest as %XX.
std::string file_name_of(std::string_view host) {
  std::string name;
  for (const char c : host) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || (c == '.' && !name.empty());
    name += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return name;
}

// Of a file's name, after the host's and a dot; it has none itself.
std::string machine_part(std::string_view machine) {
  std::string part = file_name_of(machine);
  for (auto dot = part.find('.'); dot != std::string::npos; dot = part.find('.')) part.replace(dot, 1, "%2E");
  return part;
}

std::string node(const std::string& name) { return "node " + quote(name.substr(0, name.rfind('.')), 80); }

std::vector<std::string> shortened(std::vector<std::string> users) {
  if (users.size() <= kMostUsers) return users;
  const std::size_t more = users.size() - kMostUsers;
  users.resize(kMostUsers);
  users.push_back(fmt::format("{} more", more));
  return users;
}

// Who begins to live and who removes what a dead node left holds it for a moment, who lives shares it. Asking takes no
// lock: others who ask don't see us.
enum class Held { by_nobody, shared, alone };

Held holder_of(const Path& lock) {
  const UniqueFd file(::open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    const int error = errno;
    if (error == ENOENT) return Held::by_nobody;
    throw Error::from_errno(error, "open " + quote(lock.native()));
  }
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_GETLK, &whole) != 0) {
    throw Error::from_errno(errno, "ask for the lock " + quote(lock.native()));
  }
  if (whole.l_type == F_UNLCK) return Held::by_nobody;
  return whole.l_type == F_RDLCK ? Held::shared : Held::alone;
}

}  // namespace

struct NodeMarkers::Marker {
  std::time_t written = 0;
  bool asks_domains = true;
  std::string unknown;
  std::map<std::string, std::vector<std::string>> keys;
};

NodeMarkers::NodeMarkers(const layout::CacheLayout& layout, std::string host, const std::string& machine)
    : layout_(layout), host_(std::move(host)), name_(file_name_of(host_) + "." + machine_part(machine)) {}

bool NodeMarkers::hold() {
  held_.reset();
  layout::make_state_directory(layout_, layout_.node_directory());
  const OpContext moment("node-marker", {}, OpContext::Clock::now() + kLookingTakes);
  bool is_alone = true;
  try {
    FileLock file(lock(name_));
    lock_exclusive(file, moment);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::timed_out) throw;
    is_alone = false;
  }
  const OpContext another("node-marker", {}, OpContext::Clock::now() + kLookingTakes);
  while (!try_to_share_lock()) another.wait_for(std::chrono::milliseconds(1));
  return is_alone;
}

// False while somebody looks, or when the file that was locked isn't there any more.
bool NodeMarkers::try_to_share_lock() {
  const Path path = lock(name_);
  UniqueFd file = open_file(path, O_RDONLY | O_CREAT, 0644);
  struct flock whole {};
  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  struct stat locked {};
  struct stat there {};
  if (::fcntl(file.get(), F_OFD_SETLK, &whole) != 0) {
    const int error = errno;
    if (error == EAGAIN || error == EACCES || error == EINTR) return false;
    throw Error::from_errno(error, "lock " + quote(path.native()));
  }
  if (::fstat(file.get(), &locked) != 0 || ::stat(path.c_str(), &there) != 0) return false;
  if (locked.st_dev != there.st_dev || locked.st_ino != there.st_ino) return false;
  held_ = std::move(file);
  return true;
}

void NodeMarkers::tell(const Usage& seen, bool asks_domains, std::time_t now) const {
  if (!held_ && lives(name_)) return;
  const auto before = readable_marker();
  if (before && before->asks_domains && !asks_domains && is_fresh(*before, now)) return;
  std::map<std::string, std::vector<std::string>> keys;
  for (const auto& [key, users] : seen.users) keys.emplace(key.text(), shortened(users));
  if (!seen.unreadable.empty() && before) keys.insert(before->keys.begin(), before->keys.end());
  const json told{{"version", kVersion},
                  {"host", host_},
                  {"written", now},
                  {"asks_domains", asks_domains},
                  {"unknown", seen.unreadable.empty() ? "" : seen.unreadable.front()},
                  {"keys", keys}};
  layout::replace_state_file(layout_, marker(name_), told.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

// Nothing as well where it can't be understood: it is replaced.
std::optional<NodeMarkers::Marker> NodeMarkers::readable_marker() const {
  try {
    return read(name_);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool NodeMarkers::is_fresh(const Marker& told, std::time_t now) {
  return told.written <= now + kClocksDiffer && now - told.written <= std::chrono::seconds(kFresh).count();
}

std::set<std::string> NodeMarkers::names() const {
  std::set<std::string> names;
  for (const Path& file : layout::state_files(layout_.node_directory())) {
    const std::string text = file.filename().native();
    for (const std::string_view end : kEnds) {
      if (text.ends_with(end)) names.insert(text.substr(0, text.size() - end.size()));
    }
  }
  return names;
}

bool NodeMarkers::knows_machine(const std::string& machine) const {
  const std::string end = "." + machine_part(machine);
  return std::ranges::any_of(names(), [&](const std::string& name) { return name.ends_with(end); });
}

Usage NodeMarkers::others(std::time_t now) const {
  Usage all;
  for (const std::string& name : names()) {
    if (name != name_) all.add(told_by(name, now));
  }
  return all;
}

Usage NodeMarkers::told_by(const std::string& name, std::time_t now) const {
  Usage usage;
  const auto cannot_know = [&](const std::string& why) { usage.unreadable.push_back(node(name) + ": " + why); };
  try {
    const bool alive = lives(name);
    const auto told = read(name);
    const bool is_old = !told || !is_fresh(*told, now);
    if (!alive && is_old) return forget(name, now), usage;
    if (!told)
      return cannot_know("it hasn't told yet what it uses; 'basecache cache prune' there makes it tell"), usage;
    if (!told->unknown.empty()) cannot_know(told->unknown);
    if (told->asks_domains && is_old) {
      cannot_know(
          "it hasn't told what it uses for a day, or its clock is wrong; 'basecache cache prune' there makes it tell");
    }
    for (const auto& [text, users] : told->keys) {
      const auto key = model::CacheKey::parse(text);
      if (!key) throw Error(ErrorCode::storage_unusable, "its marker names " + quote(text) + ", which is no base file");
      for (const std::string& user : users) usage.users[*key].push_back(node(name) + ": " + user);
    }
  } catch (const Error& error) {
    cannot_know(error.message());
  }
  return usage;
}

std::optional<NodeMarkers::Marker> NodeMarkers::read(const std::string& name) const {
  const Path file = marker(name);
  const auto text = read_small_file(file, kLargestMarker);
  if (!text) return std::nullopt;
  try {
    const json told = json::parse(*text);
    if (told.at("version") != kVersion) throw Error(ErrorCode::storage_unusable, "its marker is of another version");
    Marker marker;
    marker.written = told.at("written").get<std::time_t>();
    marker.asks_domains = told.at("asks_domains").get<bool>();
    marker.unknown = told.at("unknown").get<std::string>();
    marker.keys = told.at("keys").get<decltype(marker.keys)>();
    return marker;
  } catch (const json::exception&) {
    throw Error(ErrorCode::storage_unusable,
                "its marker " + quote(file.native()) + " can't be understood: remove it if that node is gone for good");
  }
}

bool NodeMarkers::lives(const std::string& name) const {
  const auto end = OpContext::Clock::now() + kChangingTakes;
  Held held = holder_of(lock(name));
  while (held == Held::alone && OpContext::Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    held = holder_of(lock(name));
  }
  return held != Held::by_nobody;
}

// Under its lock: a daemon of that name that starts now waits, and finds that its lock file is a new one.
void NodeMarkers::forget(const std::string& name, std::time_t now) const {
  FileLock file(lock(name));
  if (!file.try_lock()) return;
  const ExclusiveLock held(file, boost::interprocess::accept_ownership);
  if (const auto told = read(name); told && is_fresh(*told, now)) return;  // it came back and told meanwhile
  remove_file(marker(name));
  remove_file(lock(name));
}

}  // namespace basecache::prune
