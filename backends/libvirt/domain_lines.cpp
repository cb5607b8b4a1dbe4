#include "backends/libvirt/domain_lines.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/base/byte_size.hpp"
#include "agent/base/text.hpp"

namespace basecache::libvirt {
namespace {

using nlohmann::json;

// Ten thousand domains of ten disks each are a tenth of that.
constexpr Bytes kMost = mebibytes(256);
constexpr Bytes kLongestLine = mebibytes(8);

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::tool_failed, "the list of libvirt's domains is " + why);
}

domain::KnownDomain domain_from(const json& line) {
  domain::KnownDomain domain{.uuid = line.at("uuid"), .name = line.at("name")};
  domain.is_active = line.at("active").get<bool>();
  for (const json& file : line.at("files")) {
    domain.files.push_back({.path = file.at("path").get<std::string>(),
                            .format = file.at("format").get<std::string>(),
                            .role = file.at("role").get<std::string>()});
  }
  return domain;
}

}  // namespace

std::string line_of(const domain::KnownDomain& domain) {
  json files = json::array();
  for (const domain::DomainFile& file : domain.files) {
    files.push_back({{"path", file.path.native()}, {"format", file.format}, {"role", file.role}});
  }
  const json line{
      {"uuid", domain.uuid}, {"name", domain.name}, {"active", domain.is_active}, {"files", std::move(files)}};
  return line.dump() + "\n";
}

std::string line_of(const Error& error) {
  const json line{{"error", error.message()}, {"hint", error.hint()}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string end_line(std::size_t count) { return json{{"end", count}}.dump() + "\n"; }

void DomainLines::take(std::string_view bytes) {
  taken_ += bytes.size();
  if (taken_ > kMost.count) refuse("longer than 256 MiB");
  rest_ += bytes;
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
    take_line(rest_.substr(begin, end - begin));
    begin = end + 1;
  }
  rest_.erase(0, begin);
  if (rest_.size() > kLongestLine.count) refuse("of lines longer than 8 MiB");
}

void DomainLines::take_line(const std::string& line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object() || is_whole_) refuse("not what was agreed: " + quote(line));
  if (object.contains("error")) {
    throw Error(ErrorCode::tool_failed, object.value("error", "?")).set_hint(object.value("hint", ""));
  }
  try {
    if (object.contains("end")) {
      is_whole_ = object.at("end").get<std::size_t>() == domains_.size();
      if (!is_whole_) refuse("not whole");
      return;
    }
    domains_.push_back(domain_from(object));
  } catch (const json::exception&) {
    refuse("not what was agreed: " + quote(line));
  }
}

std::vector<domain::KnownDomain> DomainLines::finish() {
  if (!is_whole_) refuse("not whole");
  return std::move(domains_);
}

}  // namespace basecache::libvirt
