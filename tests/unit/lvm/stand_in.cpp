#include "tests/unit/lvm/stand_in.hpp"

#include <boost/filesystem/operations.hpp>
#include <cstdlib>
#include <sstream>

namespace basecache::test {
namespace {

constexpr std::string_view kScript = R"sh(#!/bin/sh
cd "${0%/*}" || exit 99
echo "$*" >>calls
cat >>input
[ ! -e "$1.output" ] || cat "$1.output"
[ ! -e "$1.errors" ] || cat "$1.errors" >&2
[ ! -e "$1.status" ] || exit "$(cat "$1.status")"
)sh";

}  // namespace

StandIn::StandIn(const std::string& program) : path_before_(std::getenv("PATH")) {
  write_file(dir_ / program, kScript);
  boost::filesystem::permissions(dir_ / program, boost::filesystem::owner_all);
  write_file(dir_ / "calls", "");
  write_file(dir_ / "input", "");
  ::setenv("PATH", (dir_.path().native() + ":" + path_before_).c_str(), 1);
}

StandIn::~StandIn() { ::setenv("PATH", path_before_.c_str(), 1); }

void StandIn::says(const std::string& verb, const Saying& saying) {
  write_file(dir_ / (verb + ".output"), saying.output);
  write_file(dir_ / (verb + ".errors"), saying.errors);
  write_file(dir_ / (verb + ".status"), std::to_string(saying.status));
}

std::vector<std::string> StandIn::calls() const {
  std::istringstream lines(read_file(dir_ / "calls"));
  std::vector<std::string> calls;
  for (std::string line; std::getline(lines, line);) calls.push_back(line);
  return calls;
}

std::vector<std::string> StandIn::calls_of(std::string_view verb) const {
  std::vector<std::string> found = calls();
  std::erase_if(found, [&](const std::string& call) { return !call.starts_with(std::string(verb) + " "); });
  return found;
}

std::string StandIn::input() const { return read_file(dir_ / "input"); }

}  // namespace basecache::test
