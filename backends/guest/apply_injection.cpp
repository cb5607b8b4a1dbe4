#include "backends/guest/apply_injection.hpp"

#include "agent/base/error.hpp"
#include "agent/injection/apply_item.hpp"
#include "backends/guest/ext_tree.hpp"
#include "backends/guest/root_partition.hpp"

namespace basecache::guest {
namespace {

// All of it or nothing.
void apply(const injection::Item& item, const Partition& root, ChangedPages& pages) {
  const ChangedPages::Pages before = pages.pages();
  try {
    ExtFileSystem file_system(pages, root);
    ExtTree tree(file_system);
    injection::apply_item(item, tree);
    file_system.commit();
  } catch (...) {
    pages.restore(before);
    throw;
  }
}

}  // namespace

std::vector<ItemFailure> apply_injection(const injection::Injection& injection, const DiskView& disk,
                                         ChangedPages& pages) {
  const Partition root = root_partition(disk, injection.partition);
  std::vector<ItemFailure> failures;
  for (const injection::Item& item : injection.items) {
    try {
      apply(item, root, pages);
    } catch (const Error& error) {
      failures.push_back({item.kind, error.message()});
    }
  }
  return failures;
}

}  // namespace basecache::guest
