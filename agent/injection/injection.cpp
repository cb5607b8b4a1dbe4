#include "agent/injection/injection.hpp"

#include <algorithm>

#include "agent/base/error.hpp"

namespace basecache::injection {

std::string_view name_of(ItemKind kind) {
  switch (kind) {
    case ItemKind::key:
      return "key";
    case ItemKind::network:
      return "net";
    case ItemKind::metadata:
      return "metadata";
    case ItemKind::admin_password:
      return "admin_password";
    case ItemKind::files:
      return "files";
  }
  throw Error(ErrorCode::internal, "no name for an item of an injection");
}

bool Injection::has_mandatory() const { return std::ranges::any_of(items, &Item::is_mandatory); }

}  // namespace basecache::injection
