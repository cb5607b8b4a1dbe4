#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/api/use_cases.hpp"
#include "agent/config.hpp"
#include "backends/glance/image_service.hpp"

namespace basecache {

// For the first line of main() of a program with a Node: the exit code, when the node of another process has started
// this one as a child of its own.
std::optional<int> run_as_child(int argc, const char* const* argv);

// Everything a node needs, put together: configuration -> backends -> cache -> use cases. Used by the daemon and by the
// CLI's --standalone; the only place that sees agent/ and backends/ together.
class Node {
 public:
  // Makes missing directories and removes what dead requests left. Error(storage_unusable).
  explicit Node(const Config& config);
  // With another image service than the one that is configured.
  Node(const Config& config, glance::ImageServiceSettings service);
  ~Node();  // cancels running builds and waits for them

  api::UseCases use_cases();
  // For a daemon: other nodes on this instances_path see that this one lives, until it goes. False when another daemon
  // of the same host name is there already; what they use counts all the same.
  bool show_life();
  // What recovery removed, for the log.
  const std::vector<Path>& recovered() const;

  // The same of volumes, which may have to be wiped first. Errors as LVM's.
  std::vector<Path> remove_left_volumes(const OpContext& op);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace basecache
