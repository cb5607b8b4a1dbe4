#include "backends/libvirt/list_program.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "backends/libvirt/domain_lines.hpp"
#include "backends/libvirt/domain_listing.hpp"

namespace basecache::libvirt {
namespace {

int print(const std::string& line, int status) {
  std::fputs(line.c_str(), stdout);
  return status;
}

int list(const char* uri) {
  try {
    std::size_t count = 0;
    list_domains(uri, [&](const domain::KnownDomain& domain) {
      print(line_of(domain), 0);
      ++count;
    });
    return print(end_line(count), 0);
  } catch (const Error& error) {
    return print(line_of(error), 1);
  } catch (const std::exception& error) {
    return print(line_of(Error(ErrorCode::internal, error.what())), 1);
  }
}

}  // namespace

std::optional<int> run_if_domain_lister(int argc, const char* const* argv) {
  if (argc != 3 || std::string_view(argv[1]) != kListArgument) return std::nullopt;
  ::prctl(PR_SET_NAME, kListArgument);
  const int status = list(argv[2]);
  std::fflush(nullptr);
  ::_exit(status);
}

}  // namespace basecache::libvirt
