#include "agent/prune/node_markers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/filesystem/operations.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
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

std::string node(const std::string& name) { return "node " + quote(name, 80); }

std::vector<std::string> shortened(std::vector<std::string> users) {
  if (users.size() <= kMostUsers) return users;
  const std::size_t more = users.size() - kMostUsers;
  users.resize(kMostUsers);
  users.push_back(fmt::format("{} more", more));
  return users;
}

bool is_there(const Path& path) {
  boost::system::error_code unknown;
  return boost::filesystem::symlink_status(path, unknown).type() != boost::filesystem::file_not_found;
}

}  // namespace

struct NodeMarkers::Marker {
  std::time_t written = 0;
  bool asks_domains = true;
  std::string unknown;
  std::map<std::string, std::vector<std::string>> keys;
};

NodeMarkers::NodeMarkers(const layout::CacheLayout& layout, std::string host)
    : layout_(layout), host_(std::move(host)), name_(file_name_of(host_)) {}

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
  if (::fcntl(file.get(), F_OFD_SETLK, &whole) != 0) return false;
  if (::fstat(file.get(), &locked) != 0 || ::stat(path.c_str(), &there) != 0) return false;
  if (locked.st_dev != there.st_dev || locked.st_ino != there.st_ino) return false;
  held_ = std::move(file);
  return true;
}

void NodeMarkers::tell(const Usage& seen, bool asks_domains, std::time_t now) const {
  std::map<std::string, std::vector<std::string>> keys;
  for (const auto& [key, users] : seen.users) keys.emplace(key.text(), shortened(users));
  if (!seen.unreadable.empty()) {
    try {
      if (auto before = read(name_)) keys.merge(before->keys);
    } catch (const Error&) {
      // It is replaced, and says that it doesn't know.
    }
  }
  const json told{{"version", kVersion},
                  {"host", host_},
                  {"written", now},
                  {"asks_domains", asks_domains},
                  {"unknown", seen.unreadable.empty() ? "" : seen.unreadable.front()},
                  {"keys", keys}};
  layout::replace_state_file(layout_, marker(name_), told.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

Usage NodeMarkers::others(std::time_t now) const {
  std::set<std::string> names;
  for (const Path& file : layout::state_files(layout_.node_directory())) {
    const std::string text = file.filename().native();
    for (const std::string_view end : kEnds) {
      if (text.ends_with(end)) names.insert(text.substr(0, text.size() - end.size()));
    }
  }
  names.erase(name_);
  Usage all;
  for (const std::string& name : names) all.add(told_by(name, now));
  return all;
}

Usage NodeMarkers::told_by(const std::string& name, std::time_t now) const {
  Usage usage;
  const auto cannot_know = [&](const std::string& why) { usage.unreadable.push_back(node(name) + ": " + why); };
  try {
    const bool alive = lives(name);
    const auto told = read(name);
    const bool is_old = !told || now - told->written > std::chrono::seconds(kFresh).count();
    if (!alive && is_old) return forget(name), usage;
    if (!told) return cannot_know("it hasn't told yet what it uses; 'basecache cache list' there makes it tell"), usage;
    if (!told->unknown.empty()) cannot_know(told->unknown);
    if (told->asks_domains && is_old) {
      cannot_know("it hasn't told what it uses for a day; 'basecache cache list' there makes it tell");
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
  if (!is_there(lock(name))) return false;
  FileLock file(lock(name));
  if (!file.try_lock()) return true;
  file.unlock();
  return false;
}

// Under its lock: a daemon of that name that starts now waits, and finds that its lock file is a new one.
void NodeMarkers::forget(const std::string& name) const {
  FileLock file(lock(name));
  if (!file.try_lock()) return;
  const ExclusiveLock held(file, boost::interprocess::accept_ownership);
  remove_file(marker(name));
  remove_file(lock(name));
}

}  // namespace basecache::prune
