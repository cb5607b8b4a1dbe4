#include "agent/provision/standing_domain.hpp"

#include <boost/filesystem/operations.hpp>
#include <nlohmann/json.hpp>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"
#include "agent/domain/domain_files.hpp"
#include "agent/domain/domain_request.hpp"
#include "agent/domain/domain_xml.hpp"
#include "agent/model/repeatable_request.hpp"

namespace basecache::provision {
namespace {

namespace fs = boost::filesystem;

// Escaped it may be five times as long: libvirt's messages and its hook take that.
constexpr std::size_t kLongestRequest = 256 * 1024;

// What a power cut left of a file that nobody had written out.
bool is_empty(std::string_view text) { return text.find_first_not_of(std::string_view("\0 \t\r\n", 5)) == text.npos; }

bool is_utf8(const std::string& text) {
  if (text.find('\0') != text.npos) return false;  // UTF-16
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

// "" where there is none that can be read.
std::string request_in(const std::string& text) {
  try {
    return domain::domain_request(text).request.value_or("");
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

std::optional<std::string> standing_domain(const Path& file) {
  const fs::file_type type = fs::symlink_status(file).type();
  if (type == fs::file_not_found) return std::nullopt;
  return type == fs::regular_file ? read_small_file(file, domain::kLongestDescription) : std::string("not a file");
}

std::optional<std::string> shown_domain(const Path& file) {
  if (fs::symlink_status(file).type() != fs::regular_file) return std::nullopt;
  std::optional<std::string> text = standing_domain(file);
  if (!text || is_utf8(*text)) return text;
  throw Error(ErrorCode::storage_unusable, quote(file.native()) + " isn't UTF-8")
      .set_hint("write it anew in UTF-8 (iconv), or remove it: the next creation makes one");
}

std::string domain_to_stand(std::string_view given, const std::optional<std::string>& standing, domain::Domain domain,
                            const domain::Hypervisor& hypervisor) {
  if (!given.empty()) return std::string(domain::without_mark(given));
  const bool is_there = standing && !is_empty(*standing);
  if (is_there && !domain::is_made_here(*standing)) return *standing;
  if (is_there && domain::holds_no_request(*standing)) {
    domain.request.clear();
  } else if (is_there && !domain.request.empty()) {
    domain.request = model::later_request(request_in(*standing), domain.request, domain.uuid);
  }
  if (domain.request.size() > kLongestRequest) {
    domain.request.clear();
    domain.left_out.emplace_back("the request by which it was made: it has more than 256 KiB");
  }
  return domain_xml(domain, hypervisor);
}

}  // namespace basecache::provision
