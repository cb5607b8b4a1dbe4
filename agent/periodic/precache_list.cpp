#include "agent/periodic/precache_list.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/base/error.hpp"
#include "agent/base/path.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/base/text.hpp"

namespace basecache::periodic {
namespace {

std::string_view without_blanks(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlanks) + 1 - begin);
}

void add(PrecacheList& list, std::string_view text, std::string_view field) {
  auto ref = model::ImageRef::parse(text, field);
  if (std::ranges::find(list.images, ref) == list.images.end()) list.images.push_back(std::move(ref));
}

std::string content_of(const Path& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) == 0 && (found.st_mode & S_IWOTH) != 0) {
    throw Error(ErrorCode::invalid_request, "everybody may write to it");
  }
  auto text = read_small_file(file);
  if (!text) throw Error(ErrorCode::not_found, "it isn't there");
  return *std::move(text);
}

}  // namespace

void take_lines(PrecacheList& list, std::string_view text, const std::string& name) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_blanks(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    try {
      add(list, line, "image_ref");
    } catch (const Error& error) {
      list.complaints.push_back(fmt::format("{}:{}: {}", quote(name), number, error.message()));
    }
  }
}

PrecacheList read_precache_list(const std::vector<std::string>& entries) {
  PrecacheList list;
  for (const std::string& entry : entries) {
    try {
      if (entry.starts_with('/')) {
        take_lines(list, content_of(entry), entry);
      } else {
        add(list, entry, "precache");
      }
    } catch (const Error& error) {
      const std::string shown = entry.starts_with('/') ? quote(entry) + ": " : "";
      list.complaints.push_back(shown + error.message());
    }
  }
  return list;
}

}  // namespace basecache::periodic
