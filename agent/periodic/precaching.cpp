#include "agent/periodic/precaching.hpp"

#include <nlohmann/json.hpp>

#include "agent/api/messages.hpp"
#include "agent/base/log.hpp"
#include "agent/periodic/precache_list.hpp"

namespace basecache::periodic {

void Precaching::look(const std::stop_token& stop) const {
  const PrecacheList list = read_precache_list(entries_);
  for (const std::string& complaint : list.complaints) {
    log_event(LogLevel::warning, "precache_list", {{"error", complaint}});
  }
  std::size_t failed = 0;
  for (const model::ImageRef& image : list.images) {
    if (stop.stop_requested()) return;
    if (!acquire(image, stop)) ++failed;
  }
  log_event(LogLevel::info, "precached", {{"images", list.images.size()}, {"failed", failed}});
}

// Whether its base file is there now.
bool Precaching::acquire(const model::ImageRef& image, const std::stop_token& stop) const {
  const auto work = [&](OpContext& op) {
    op.set_ahead();
    return api::to_json(images_.acquire(model::ImageBase{image, {}}, op));
  };
  return !operations_.run({"precache", image.shown()}, work, stop).failed();
}

}  // namespace basecache::periodic
