#include "agent/prune/usage.hpp"

#include <iterator>
#include <utility>

namespace basecache::prune {
namespace {

void append(std::vector<std::string>& to, std::vector<std::string>&& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

void Usage::add(Usage other) {
  for (auto& [key, names] : other.users) append(users[key], std::move(names));
  append(unreadable, std::move(other.unreadable));
}

}  // namespace basecache::prune
