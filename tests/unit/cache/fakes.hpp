#pragma once

#include <algorithm>
#include <atomic>
#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <cstddef>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/cache/base_file_builder.hpp"
#include "agent/cache/image_cache.hpp"
#include "agent/cache/quarantine.hpp"
#include "agent/cache/review.hpp"
#include "agent/layout/cache_layout.hpp"
#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"
#include "tests/unit/fetch/fakes.hpp"

namespace basecache::test {

// "Converts" by replacing the magic.
class FakeConverter : public cache::ImageConverter {
 public:
  void confirm(const Path&, const fetch::InspectionVerdict&, OpContext&) override { ++confirmed; }
  void to_raw(const Path& image, const fetch::InspectionVerdict&, const Path& raw_file, OpContext&) override {
    std::string content = read_file(image);
    write_file(raw_file, content.replace(0, 3, "RAW"));
    if (fails) throw Error(failure, "the fake converter failed half way");
  }
  std::atomic<int> confirmed = 0;
  bool fails = false;
  ErrorCode failure = ErrorCode::tool_failed;
};

class FakeFormatter : public cache::BlankFormatter {
 public:
  void format_ephemeral(const Path& file, const model::EphemeralBase& blank, OpContext&) override {
    formatted =
        model::text_of(blank.format) + " " + blank.label() + " " + std::to_string(sizes_of(file).apparent.count);
    if (in_format) in_format(file);
  }
  void format_swap(const Path& file, OpContext&) override {
    formatted = "swap " + std::to_string(sizes_of(file).apparent.count);
  }
  std::string formatted;
  std::function<void(const Path&)> in_format;
};

class FakeUsers : public cache::BaseFileUsers {
 public:
  std::optional<std::string> reason_to_stay(const model::CacheKey&, const OpContext&) const override { return reason; }
  std::optional<std::string> reason;
};

// A cache in a scratch directory with fakes behind it.
struct FakeNode {
  explicit FakeNode(std::string image, cache::BuildSettings settings = {})
      : source(std::move(image)),
        builder(layout, {source, inspector, verifier, decoder, converter, formatter}, settings) {
    layout::prepare_directories(layout);
  }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  FakeSource source;
  FakeInspector inspector;
  FakeVerifier verifier;
  FakeDecoder decoder;
  FakeConverter converter;
  FakeFormatter formatter;
  FakeUsers users;
  cache::Quarantine quarantine{layout, users};
  cache::BaseFileBuilder builder;
  cache::Review review{layout, inspector, converter, builder, quarantine};
  cache::ImageCache images{layout, builder, review, 4};
};

}  // namespace basecache::test
