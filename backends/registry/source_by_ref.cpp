#include "backends/registry/source_by_ref.hpp"

#include "agent/base/throttle.hpp"
#include "backends/glance/image_href.hpp"
#include "backends/registry/progress_meter.hpp"

namespace basecache::registry {
namespace {

// Passes everything on, counts what the next sink has taken, and holds the sender to the operation's rate.
class MeteredSink : public fetch::ImageSink {
 public:
  MeteredSink(fetch::ImageSink& next, const model::ImageRecord& record, const OpContext& op)
      : next_(next),
        promised_(record.size),
        progress_(op, "fetch", record.ref.shown()),
        throttle_(op.transfers().bytes_per_second, op) {}

  std::optional<fetch::HeldBytes> held() override {
    auto held = next_.held();
    if (held) progress_.start(total(held->transfer), held->count);
    throttle_.restart();
    return held;
  }
  void start(const fetch::Transfer& transfer) override {
    next_.start(transfer);
    counts_ = transfer.file < 0;  // else all is taken, and told of
    if (!counts_) return;
    progress_.start(total(transfer));
    throttle_.restart();
  }
  void write(std::span<const std::byte> bytes) override {
    next_.write(bytes);
    progress_.add(bytes.size());
    throttle_.pass({bytes.size()});
  }
  void verify() override { next_.verify(); }
  void finish() const {
    if (counts_) progress_.finish();
  }

 private:
  std::optional<Bytes> total(const fetch::Transfer& transfer) const {
    return transfer.size ? transfer.size : promised_;
  }

  fetch::ImageSink& next_;
  std::optional<Bytes> promised_;
  bool counts_ = true;
  ProgressMeter progress_;
  Throttle throttle_;
};

}  // namespace

fetch::ImageSource& SourceByRef::chosen(const model::ImageRef& ref) {
  if (ref.kind() == model::ImageRef::Kind::registry_id) return registry_;
  return glance::parse_href(ref.text()) ? hrefs_ : urls_;
}

model::ImageRecord SourceByRef::describe(const model::ImageRef& ref, OpContext& op) {
  return chosen(ref).describe(ref, op);
}

void SourceByRef::fetch(const model::ImageRecord& record, fetch::ImageSink& sink, OpContext& op) {
  MeteredSink metered(sink, record, op);
  chosen(record.ref).fetch(record, metered, op);
  metered.finish();
}

}  // namespace basecache::registry
