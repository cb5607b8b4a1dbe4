#include "agent/model/domain_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <pugixml.hpp>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"
#include "agent/model/instance_spec.hpp"

namespace basecache::model {
namespace {

Error bad(std::string_view field, const std::string& why) {
  return Error(ErrorCode::invalid_request, fmt::format("{} {}", field, why)).add_field("field", std::string(field));
}

// XML 1.0, 2.2: of the control characters only these. The parser would take a NUL for the end.
bool is_forbidden(char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r'; }

// libvirt takes hyphens and blanks anywhere, and capital letters.
std::string plain_digits(std::string_view uuid) {
  std::string digits = lower_case(uuid);
  std::erase_if(digits, [](char c) { return c == '-' || c == ' ' || c == '\t' || c == '\n' || c == '\r'; });
  return digits;
}

}  // namespace

void check_domain_text(std::string_view text, const InstanceId& uuid, std::string_view field) {
  if (std::ranges::any_of(text, is_forbidden)) throw bad(field, "has control characters in it");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) throw bad(field, fmt::format("is not XML: {} at byte {}", parsed.description(), parsed.offset));
  const pugi::xml_node domain = document.document_element();
  if (std::string_view(domain.name()) != "domain") {
    throw bad(field, fmt::format("has the root element {}, not 'domain'", quote(domain.name(), 40)));
  }
  const std::string named = plain_digits(domain.child_value("uuid"));
  if (!named.empty() && named != plain_digits(uuid.text())) {
    throw bad(field, "has the uuid of another instance").set_hint("take <uuid> out, or make it " + uuid.text());
  }
}

}  // namespace basecache::model
