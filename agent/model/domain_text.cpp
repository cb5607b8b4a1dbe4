#include "agent/model/domain_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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

bool is_utf8(const pugi::xml_node& declaration) {
  const std::string encoding = lower_case(declaration.attribute("encoding").as_string("utf-8"));
  return encoding == "utf-8" || encoding == "us-ascii";
}

// What libvirt might read in another way: entities, and bytes in another encoding.
void require_plain(const pugi::xml_document& document, std::string_view field) {
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() == pugi::node_doctype) throw bad(field, "has a document type, which a domain needn't");
    if (node.type() == pugi::node_declaration && !is_utf8(node)) throw bad(field, "is in another encoding than UTF-8");
  }
}

// A uuid that is one piece of text, once.
void require_uuid(const pugi::xml_node& domain, const InstanceId& uuid, std::string_view field) {
  const auto named = domain.children("uuid");
  const auto count = std::distance(named.begin(), named.end());
  if (count == 0) return;
  const pugi::xml_node text = domain.child("uuid").first_child();
  const bool is_plain = count == 1 && text.type() == pugi::node_pcdata && !text.next_sibling();
  if (is_plain && plain_digits(text.value()) == plain_digits(uuid.text())) return;
  throw bad(field, "has the uuid of another instance").set_hint("take <uuid> out, or make it " + uuid.text());
}

}  // namespace

void check_domain_text(std::string_view text, const InstanceId& uuid, std::string_view field) {
  if (std::ranges::any_of(text, is_forbidden)) throw bad(field, "has control characters in it");
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(text.data(), text.size(), pugi::parse_full, pugi::encoding_utf8);
  if (!parsed) throw bad(field, fmt::format("is not XML: {} at byte {}", parsed.description(), parsed.offset));
  const pugi::xml_node domain = document.document_element();
  if (std::string_view(domain.name()) != "domain") {
    throw bad(field, fmt::format("has the root element {}, not 'domain'", quote(domain.name(), 40)));
  }
  require_plain(document, field);
  require_uuid(domain, uuid, field);
}

}  // namespace basecache::model
