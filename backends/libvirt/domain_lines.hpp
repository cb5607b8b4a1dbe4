#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/domain/known_domain.hpp"

// What the lister says (list_program.hpp), a JSON object a line:
//   {"uuid", "name", "active", "files": [{"path", "format", "role"}]}   a domain
//   {"error", "hint"}                                                   why there is no more
//   {"end": N}                                                          that was all, N domains
namespace basecache::libvirt {

std::string line_of(const domain::KnownDomain& domain);
std::string line_of(const Error& error);
std::string end_line(std::size_t count);

// Puts the domains together from the bytes as they come.
class DomainLines {
 public:
  // Error(tool_failed) for what no lister says, for too much of it, and what the lister says why it failed.
  void take(std::string_view bytes);
  // All domains. Error(tool_failed) when the end wasn't told.
  std::vector<domain::KnownDomain> finish();

 private:
  void take_line(const std::string& line);

  std::string rest_;
  std::size_t taken_ = 0;
  bool is_whole_ = false;
  std::vector<domain::KnownDomain> domains_;
};

}  // namespace basecache::libvirt
