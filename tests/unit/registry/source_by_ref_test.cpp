#include "backends/registry/source_by_ref.hpp"

#include <doctest/doctest.h>

#include "tests/support/scratch_dir.hpp"
#include "tests/unit/registry/received_image.hpp"

using namespace basecache;
using namespace basecache::test;
using namespace basecache::registry;

namespace {

const std::string kId = "0c1d2e3f-0000-4000-8000-00000000000a";
const std::string kUrl = "https://user:secret@mirror.example/image?token=secret";

model::ImageRef ref(const std::string& text) { return model::ImageRef::parse(text, "image_ref"); }

model::ImageRecord record_of(const std::string& text, std::optional<Bytes> size = std::nullopt) {
  return {.ref = ref(text), .name = {}, .disk_format = {}, .size = size, .digest = {}, .properties = {}};
}

// Sends `blocks` blocks of ten bytes; half of them twice when it starts over.
class BlockSource : public fetch::ImageSource {
 public:
  explicit BlockSource(std::string name) : name_(std::move(name)) {}

  model::ImageRecord describe(const model::ImageRef& image, OpContext&) override {
    model::ImageRecord record = record_of(image.text());
    record.name = name_;
    return record;
  }
  void fetch(const model::ImageRecord&, fetch::ImageSink& sink, OpContext&) override {
    const std::string block = "0123456789";
    if (starts_over) {
      sink.start({.size = announced, .version = ""});
      for (int i = 0; i < blocks / 2; ++i) sink.write(std::as_bytes(std::span(block)));
    }
    sink.start({.size = announced, .version = ""});
    for (int i = 0; i < blocks; ++i) sink.write(std::as_bytes(std::span(block)));
    if (failure) throw *failure;
  }

  int blocks = 1;
  bool starts_over = false;
  std::optional<Bytes> announced;
  std::optional<Error> failure;

 private:
  std::string name_;
};

struct Sources {
  void fetch(const model::ImageRecord& record) {
    OpContext op = test_operation({}, [this](const Progress& progress) { reports.push_back(progress); });
    by_ref.fetch(record, sink, op);
  }

  BlockSource registry{"registry"};
  BlockSource hrefs{"hrefs"};
  BlockSource urls{"urls"};
  SourceByRef by_ref{registry, hrefs, urls};
  ReceivedImage sink;
  std::vector<Progress> reports;
};

}  // namespace

TEST_CASE("whatever the source, the operation's rate holds") {
  Sources sources;
  for (BlockSource* source : {&sources.registry, &sources.hrefs, &sources.urls}) source->blocks = 1'000'000;
  for (const std::string& image : {kId, kUrl, "http://glance:9292/v2/images/" + kId}) {
    OpContext op("test", {}, OpContext::Clock::now() + std::chrono::milliseconds(20));
    op.set_transfers({.token = {}, .bytes_per_second = RateLimit(1)});
    CHECK_THROWS_AS(sources.by_ref.fetch(record_of(image), sources.sink, op), Error);
    CHECK(sources.sink.bytes.size() < 1000);
  }
}

TEST_CASE("a UUID is the registry's, a href its Glance's, and any other URL is the URL source's") {
  Sources sources;
  OpContext op = test_operation();
  CHECK(sources.by_ref.describe(ref(kId), op).name == "registry");
  CHECK(sources.by_ref.describe(ref(kUrl), op).name == "urls");
  CHECK(sources.by_ref.describe(ref("file:///srv/image"), op).name == "urls");
  CHECK(sources.by_ref.describe(::ref("http://glance:9292/v2/images/" + kId), op).name == "hrefs");

  sources.registry.blocks = 2;
  sources.fetch(record_of(kId));
  CHECK(sources.sink.bytes.size() == 20);
  sources.urls.blocks = 3;
  sources.fetch(record_of(kUrl));
  CHECK(sources.sink.bytes.size() == 30);
}

TEST_CASE("the last report of a fetch is complete, and there are few of them") {
  Sources sources;
  sources.registry.blocks = 100'000;
  sources.registry.announced = Bytes{1'000'000};
  sources.fetch(record_of(kId));
  REQUIRE_FALSE(sources.reports.empty());
  const Progress& last = sources.reports.back();
  CHECK(last.step == "fetch");
  CHECK(last.subject == kId);
  CHECK(last.done == 1'000'000);
  CHECK(last.total == 1'000'000);
  CHECK(sources.reports.size() < 10'000);
}

TEST_CASE("the total is what the record promises when the transfer doesn't say") {
  Sources sources;
  sources.fetch(record_of(kId, Bytes{10}));
  CHECK(sources.reports.back().total == 10);
  sources.fetch(record_of(kId));
  CHECK_FALSE(sources.reports.back().total);
}

TEST_CASE("a transfer that starts over is counted from its new beginning") {
  Sources sources;
  sources.urls.blocks = 10;
  sources.urls.starts_over = true;
  sources.fetch(record_of(kUrl));
  CHECK(sources.sink.starts == 2);
  CHECK(sources.sink.bytes.size() == 100);
  CHECK(sources.reports.back().done == 100);
}

TEST_CASE("progress shows a URL without its secrets") {
  Sources sources;
  sources.fetch(record_of(kUrl));
  CHECK(sources.reports.back().subject == "https://***@mirror.example/image?token=***");
}

TEST_CASE("what a source throws passes through") {
  Sources sources;
  sources.urls.failure = Error(ErrorCode::source_unavailable, "gone");
  CHECK(code_of([&] { sources.fetch(record_of(kUrl)); }) == ErrorCode::source_unavailable);
}
