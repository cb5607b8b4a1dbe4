#include "agent/metadata/hostname.hpp"

#include <algorithm>

namespace basecache::metadata {
namespace {

// The shortest limit of the systems that read it: dnsmasq's (nova/utils.py, sanitize_hostname).
constexpr std::size_t kLongestHostname = 63;

// The characters of Latin-1 in UTF-8 text, one a byte. In UTF-8 those from U+0080 to U+00FF are two bytes, the first of
// which is 0xC2 or 0xC3; what follows any other first byte is 0x80 to 0xBF too, and goes with it.
std::string latin1_of(std::string_view text) {
  std::string characters;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      characters += text[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < text.size()) {
      const auto next = static_cast<unsigned char>(text[i + 1]);
      if ((next & 0xc0) == 0x80) characters += static_cast<char>(((byte & 0x03) << 6) | (next & 0x3f));
      ++i;
    }
  }
  return characters;
}

// What Python's \w takes: letters, and digits and fractions of all kinds.
bool is_word_character(unsigned char c) {
  if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  if (c >= 0xc0) return c != 0xd7 && c != 0xf7;  // multiplication and division
  constexpr std::string_view kOthers = "\xaa\xb2\xb3\xb5\xb9\xba\xbc\xbd\xbe";
  return kOthers.find(static_cast<char>(c)) != std::string_view::npos;
}

unsigned char lower_case_of(unsigned char c) {
  const bool is_upper = (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
  return is_upper ? static_cast<unsigned char>(c + 0x20) : c;
}

void append_utf8(unsigned char c, std::string& text) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else {
    text += static_cast<char>(0xc0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3f));
  }
}

std::string without_edges(const std::string& text) {
  const std::size_t first = text.find_first_not_of('-');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of('-') - first + 1);
}

}  // namespace

std::string hostname_from(std::string_view display_name) {
  std::string characters = latin1_of(display_name).substr(0, kLongestHostname);
  std::ranges::replace_if(
      characters, [](char c) { return c == ' ' || c == '_' || c == '.'; }, '-');
  std::string hostname;
  for (const char character : characters) {
    const auto c = static_cast<unsigned char>(character);
    if (c == '-' || is_word_character(c)) append_utf8(lower_case_of(c), hostname);
  }
  return without_edges(hostname);
}

std::string name_of(const model::InstanceSpec& spec) {
  return spec.name.empty() ? "Server " + spec.uuid.text() : spec.name;
}

std::string hostname_of(const model::InstanceSpec& spec, const std::string& domain) {
  std::string hostname = spec.hostname.empty() ? hostname_from(name_of(spec)) : spec.hostname;
  if (hostname.empty()) hostname = "Server-" + spec.uuid.text();
  return domain.empty() ? hostname : hostname + "." + domain;
}

}  // namespace basecache::metadata
