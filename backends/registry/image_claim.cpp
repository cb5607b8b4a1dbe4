#include "backends/registry/image_claim.hpp"

#include <unistd.h>

#include <boost/filesystem/directory.hpp>
#include <cerrno>

#include "agent/base/error.hpp"
#include "agent/base/text.hpp"

namespace basecache::registry {
namespace {

bool is_absent(const Path& path) { return ::access(path.c_str(), F_OK) != 0 && errno == ENOENT; }

}  // namespace

ImageClaim::ImageClaim(const RegistryLayout& layout, std::string id, const OpContext& op)
    : layout_(layout), id_(std::move(id)), lock_(layout.lock(id_)), held_(lock_exclusive(lock_, op)) {}

ImageClaim::ImageClaim(const RegistryLayout& layout, std::string id, Try)
    : layout_(layout), id_(std::move(id)), lock_(layout.lock(id_)), held_(lock_, boost::interprocess::try_to_lock) {}

ImageClaim::~ImageClaim() {
  if (!held_) return;
  clear_leftovers();
  ::unlink(lock_.path().c_str());
}

void ImageClaim::clear_leftovers() const noexcept {
  ::unlink(layout_.staged_image(id_).c_str());
  ::unlink(layout_.staged_record(id_).c_str());
  if (is_absent(layout_.record(id_))) ::unlink(layout_.image(id_).c_str());
}

void ImageClaim::sweep(const RegistryLayout& layout) {
  boost::system::error_code failure;
  boost::filesystem::directory_iterator entry(layout.staging(), failure);
  for (; !failure && entry != boost::filesystem::directory_iterator(); entry.increment(failure)) {
    const std::string id = entry->path().filename().stem().native();
    if (is_uuid(id)) const ImageClaim dead(layout, id, Try{});
  }
  if (failure) throw Error::from_errno(failure.value(), "list " + quote(layout.staging().native()));
}

}  // namespace basecache::registry
