#include "backends/registry/source_by_ref.hpp"

#include "backends/registry/progress_meter.hpp"

namespace basecache::registry {
namespace {

// Passes everything on and counts what the next sink has taken.
class MeteredSink : public cache::ImageSink {
 public:
  MeteredSink(cache::ImageSink& next, const model::ImageRecord& record, const OpContext& op)
      : next_(next), promised_(record.size), progress_(op, "fetch", record.ref.shown()) {}

  void start(std::optional<Bytes> size) override {
    next_.start(size);
    progress_.start(size ? size : promised_);
  }
  void write(std::span<const std::byte> bytes) override {
    next_.write(bytes);
    progress_.add(bytes.size());
  }
  void finish() const { progress_.finish(); }

 private:
  cache::ImageSink& next_;
  std::optional<Bytes> promised_;
  ProgressMeter progress_;
};

}  // namespace

model::ImageRecord SourceByRef::describe(const model::ImageRef& ref, OpContext& op) {
  return chosen(ref).describe(ref, op);
}

void SourceByRef::fetch(const model::ImageRecord& record, cache::ImageSink& sink, OpContext& op) {
  MeteredSink metered(sink, record, op);
  chosen(record.ref).fetch(record, metered, op);
  metered.finish();
}

}  // namespace basecache::registry
