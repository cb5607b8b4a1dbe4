#pragma once

#include "agent/cache/image_source.hpp"

namespace basecache::registry {

// Sends UUIDs to the registry and URLs to the URL source, and reports the progress of every fetch (step "fetch",
// subject as the ref is shown) each tenth of a second or MiB.
class SourceByRef : public cache::ImageSource {
 public:
  // Both must outlive this.
  SourceByRef(cache::ImageSource& registry, cache::ImageSource& urls) : registry_(registry), urls_(urls) {}

  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  void fetch(const model::ImageRecord& record, cache::ImageSink& sink, OpContext& op) override;

 private:
  cache::ImageSource& chosen(const model::ImageRef& ref) {
    return ref.kind() == model::ImageRef::Kind::url ? urls_ : registry_;
  }

  cache::ImageSource& registry_;
  cache::ImageSource& urls_;
};

}  // namespace basecache::registry
