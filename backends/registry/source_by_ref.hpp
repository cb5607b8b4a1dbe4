#pragma once

#include "agent/fetch/image_source.hpp"

namespace basecache::registry {

// Sends UUIDs to the node's registry, hrefs of a Glance ("http://host:9292/v2/images/<uuid>") to that, and URLs to the
// URL source. Reports the progress of every fetch (step "fetch", subject as the ref is shown) each tenth of a second or
// MiB.
class SourceByRef : public fetch::ImageSource {
 public:
  // All must outlive this.
  SourceByRef(fetch::ImageSource& registry, fetch::ImageSource& hrefs, fetch::ImageSource& urls)
      : registry_(registry), hrefs_(hrefs), urls_(urls) {}

  model::ImageRecord describe(const model::ImageRef& ref, OpContext& op) override;
  void fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) override;

 private:
  fetch::ImageSource& chosen(const model::ImageRef& ref);

  fetch::ImageSource& registry_;
  fetch::ImageSource& hrefs_;
  fetch::ImageSource& urls_;
};

}  // namespace basecache::registry
