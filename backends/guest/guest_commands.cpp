#include "backends/guest/guest_commands.hpp"

#include <fmt/format.h>

namespace basecache::guest {
namespace {

std::string said(std::string_view mark, std::string_view what) { return fmt::format("{}:{}\n", mark, what); }

bool has(std::string_view output, const std::string& line) { return output.find(line) != std::string_view::npos; }

}  // namespace

std::string between_directory(std::string_view mark) { return fmt::format("/.{}", mark); }

std::string opening_script(std::string_view mark, int partition, bool only_reads) {
  const std::string up = "echo " + said(mark, "up");
  if (partition == injection::kInspect) return up;
  const std::string number = partition == injection::kWholeDisk ? "" : std::to_string(partition);
  return fmt::format("run\n{}{} /dev/sda{} /\n", up, only_reads ? "mount-ro" : "mount", number);
}

std::string script_of(const GuestCommands& commands, std::size_t first) {
  const std::string clean = fmt::format("-rm-rf {}\n", between_directory(commands.mark));
  std::string script = first == 0 ? "" : clean;
  for (std::size_t i = first; i < commands.items.size(); ++i) {
    const GuestCommands::OfItem& item = commands.items[i];
    script += item.prepare + "echo " + said(commands.mark, "changing") + item.change + clean + "echo " +
              said(commands.mark, "done");
  }
  return script;
}

GuestProgress progress_of(std::string_view output, std::string_view mark) {
  GuestProgress progress{.is_up = has(output, said(mark, "up"))};
  const std::string done = said(mark, "done");
  for (std::size_t at = 0; (at = output.find(done)) != std::string_view::npos; output.remove_prefix(at + done.size())) {
    ++progress.done;
  }
  progress.is_changing = has(output, said(mark, "changing"));
  return progress;
}

}  // namespace basecache::guest
