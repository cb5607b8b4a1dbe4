#include "agent/prune/domain_usage.hpp"

#include <algorithm>
#include <array>
#include <boost/filesystem/operations.hpp>
#include <string_view>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::prune {
namespace {

// libvirt's names of formats that QEMU knows no backing files for (virStorageFileFormat).
constexpr std::array<std::string_view, 11> kNeverBacked{"raw", "dir", "bochs", "cloop", "dmg", "iso",
                                                        "fat", "vhd", "vpc",   "vdi",   "luks"};

bool is_below(const Path& path, const Path& directory) {
  const Path within = path.lexically_normal().lexically_relative(directory.lexically_normal());
  return !within.empty() && *within.begin() != "..";
}

class DomainCollector {
 public:
  DomainCollector(const layout::CacheLayout& layout, ChainWalk& walk, std::string advice)
      : layout_(layout), walk_(walk), advice_(std::move(advice)) {}

  void collect(const domain::DomainFile& file, const std::string& user) {
    const auto found = file_at(file.path);
    if (!found) return require_known(file);
    walk_.mark(*found, user);
    if (found->kind == SeenFile::Kind::directory) return;
    const bool is_device = found->kind != SeenFile::Kind::regular;
    if (is_never_backed(file.format) || (is_device && file.format.empty())) return;
    if (walk_.was_walked(*found, file.format)) return;
    const auto formats = provision::DiskFormats::read(file.path.parent_path());
    walk_.walk(file.path, *found, format_of(file, *found, formats), formats, user);
  }

 private:
  static bool is_never_backed(std::string_view format) {
    return std::ranges::find(kNeverBacked, format) != kNeverBacked.end();
  }

  std::string format_of(const domain::DomainFile& file, const SeenFile& found,
                        const provision::DiskFormats& formats) const {
    if (!file.format.empty()) return file.format;
    return walk_.format_of_base(found).value_or(formats.word_for(file.path));
  }

  void require_known(const domain::DomainFile& file) const {
    require_no_lost_link(file.path);
    boost::system::error_code unknown;
    const Path instances = boost::filesystem::canonical(layout_.instances_path(), unknown);
    if (is_never_backed(file.format) || is_below(file.path, layout_.instances_path())) return;
    if (!instances.empty() && is_below(file.path, instances)) return;
    throw Error(ErrorCode::storage_unusable, "it is missing: mount what it is on, or " + advice_);
  }

  const layout::CacheLayout& layout_;
  ChainWalk& walk_;
  const std::string advice_;  // where it is missing for good
};

// The ways out that a domain's owner has.
std::string advice_for(const domain::KnownDomain& domain, ToldBy told_by, const layout::CacheLayout& layout) {
  if (told_by == ToldBy::hypervisor) return "undefine the domain if it isn't needed";
  return "if the domain doesn't run, remove its lease " + quote(layout.domain_lease(domain.uuid).native());
}

std::string_view remark_of(ToldBy told_by) {
  switch (told_by) {
    case ToldBy::hypervisor:
      return "";
    case ToldBy::hook:
      return " (its hook holds it)";
    case ToldBy::hook_elsewhere:
      return " (its hook on another node holds it)";
  }
  return "";
}

}  // namespace

void collect_domains(const std::vector<domain::KnownDomain>& domains, ToldBy told_by, const layout::CacheLayout& layout,
                     ChainWalk& walk) {
  const std::string remark(remark_of(told_by));
  for (const domain::KnownDomain& domain : domains) {
    DomainCollector collector(layout, walk, advice_for(domain, told_by, layout));
    const std::string name = "domain " + quote(domain.name.empty() ? domain.uuid : domain.name, 80) + " ";
    for (const domain::DomainFile& file : domain.files) {
      const std::string user = name + file.role;
      try {
        collector.collect(file, user + remark);
      } catch (const Error& error) {
        walk.cannot_know(user + " " + quote(file.path.native()), error);
      }
    }
  }
}

}  // namespace basecache::prune
