#include <doctest/doctest.h>

#include <fstream>
#include <thread>

#include "agent/fetch/transfer_journal.hpp"
#include "tests/unit/cache/fakes.hpp"

using namespace basecache;
using namespace basecache::test;

namespace {

constexpr std::size_t kMiB = 1 << 20;
const std::string kRaw = std::string(2 * kMiB, 'a') + std::string(2 * kMiB, 'b');
const std::string kQcow2 = "QFI" + kRaw.substr(3);

// A node whose source says which bytes it sends.
struct ResumeNode : FakeNode {
  explicit ResumeNode(const std::string& image = kRaw) : FakeNode(image) { source.version = "v1"; }

  std::string outcome(const model::ImageBase& image = image_base()) {
    OpContext op = test_operation(stop.get_token());
    try {
      built = read_file(builder.build(image, op).path());
      return "built";
    } catch (const Error& error) {
      return std::string(name_of(error.code()));
    } catch (const Cancelled&) {
      return "cancelled";
    }
  }
  void break_off() {
    source.fails = true;
    CHECK(outcome() == "source_unavailable");
    source.fails = false;
  }
  std::optional<Bytes> left() const {
    const auto transfer = fetch::find_left_transfer(layout, key);
    return transfer ? std::optional(transfer->count) : std::nullopt;
  }
  // As a killed process would have left it.
  void journal_says_synced(std::size_t count) {
    auto journal = fetch::find_left_transfer(layout, key).value().journal;
    journal.synced = Bytes{count};
    fetch::write_journal(layout, key, journal);
  }
  bool is_clean() const {
    return names_in(layout.transfer_directory()).empty() && !boost::filesystem::exists(layout.fetched(key)) &&
           !boost::filesystem::exists(layout.converted(key));
  }

  // Somebody tidied up.
  void lose_staged_file() const { boost::filesystem::remove(layout.fetched(key)); }

  std::stop_source stop;
  std::string built;
  model::CacheKey key = model::key_of(model::BaseFileSpec(image_base()));
};

// Other bytes in the place of those that were received.
void damage(const Path& staged) {
  std::string content = read_file(staged);
  content[kMiB] = 'x';
  std::ofstream(staged.native(), std::ios::in | std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a staged file that vanishes ends its request and nothing else") {
  ResumeNode node;
  node.source.in_the_middle = [&](OpContext&) { node.lose_staged_file(); };
  node.source.fails = true;
  CHECK(node.outcome() == "source_unavailable");
  node.source.fails = false;
  CHECK(node.outcome() != "built");
  node.source.in_the_middle = nullptr;
  CHECK(node.outcome() == "built");
  CHECK((node.built == kRaw));
}

TEST_CASE("a build goes on where a broken transfer stopped, and leaves nothing of it") {
  for (const std::string& image : {kRaw, kQcow2}) {
    ResumeNode node(image);
    node.break_off();
    CHECK(node.left() == mebibytes(2));
    CHECK(node.outcome() == "built");
    CHECK(node.source.began_at == std::vector<std::size_t>{0, 2 * kMiB});
    CHECK((node.built == (image == kRaw ? kRaw : "RAW" + kQcow2.substr(3))));
    CHECK(node.is_clean());
  }
}

TEST_CASE("a failure that isn't the storage's fault leaves what has come: what a source says is no proof against it") {
  struct Row {
    ErrorCode failure;
    bool stays;
  };
  const Row rows[] = {
      {ErrorCode::source_unavailable, true}, {ErrorCode::source_unauthorized, true},
      {ErrorCode::timed_out, true},          {ErrorCode::image_not_found, true},
      {ErrorCode::internal, true},           {ErrorCode::no_space, false},
      {ErrorCode::storage_unusable, false},  {ErrorCode::image_unacceptable, true},
      {ErrorCode::checksum_mismatch, true},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.failure));
    ResumeNode node;
    node.source.fails = true;
    node.source.failure = row.failure;
    CHECK(node.outcome() == name_of(row.failure));
    CHECK(node.left().has_value() == row.stays);
    CHECK(node.is_clean() != row.stays);
  }
}

TEST_CASE("a cancelled build leaves what has come") {
  ResumeNode node;
  node.stop.request_stop();
  node.source.gate.close();
  CHECK(node.outcome() == "cancelled");
  CHECK_FALSE(node.left());
  node.stop = {};
  std::jthread canceller([&] {
    node.source.gate.wait_for_arrivals(1);
    node.stop.request_stop();
  });
  CHECK(node.outcome() == "cancelled");
  CHECK(node.left() == mebibytes(2));
}

TEST_CASE("a conversion that fails doesn't make the image be fetched again") {
  ResumeNode node(kQcow2);
  node.converter.fails = true;
  CHECK(node.outcome() == "tool_failed");
  CHECK(node.left() == mebibytes(4));
  node.converter.fails = false;
  CHECK(node.outcome() == "built");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 4 * kMiB});
  CHECK(node.is_clean());
}

TEST_CASE("an image that the inspector or the converter refuses isn't kept") {
  ResumeNode bad("BAD" + kRaw.substr(3));
  CHECK(bad.outcome() == "image_unacceptable");
  CHECK(bad.is_clean());
  ResumeNode damaged(kQcow2);
  damaged.converter.fails = true;
  damaged.converter.failure = ErrorCode::image_unacceptable;
  CHECK(damaged.outcome() == "image_unacceptable");
  CHECK(damaged.is_clean());
}

TEST_CASE("bytes that nothing will verify are gone on with as far as they were synced") {
  struct Row {
    bool verified;
    std::size_t began_at;
  };
  const Row rows[] = {{true, 2 * kMiB}, {false, kMiB}};
  for (const Row& row : rows) {
    CAPTURE(row.verified);
    ResumeNode node;
    if (row.verified) node.verifier.signed_bytes = kRaw;
    node.break_off();
    node.journal_says_synced(kMiB);
    CHECK(node.outcome() == "built");
    CHECK(node.source.began_at == std::vector<std::size_t>{0, row.began_at});
  }
}

TEST_CASE("a source that can't tell which bytes it sends leaves nothing to go on with") {
  ResumeNode node;
  node.source.version = "";
  node.break_off();
  CHECK(node.is_clean());
}

TEST_CASE("a source that has another version now starts over") {
  ResumeNode node;
  node.break_off();
  node.source.version = "v2";
  CHECK(node.outcome() == "built");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 0});
  CHECK((node.built == kRaw));
}

TEST_CASE("bytes of two transfers that don't fit are fetched once more by one") {
  ResumeNode node;
  node.source.promised = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, kRaw));
  node.break_off();
  damage(node.layout.fetched(node.key));
  CHECK(node.outcome() == "built");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 2 * kMiB, 0});
  CHECK((node.built == kRaw));
}

TEST_CASE("what is fetched once more is gone on with by nobody, not from one place to the next either") {
  ResumeNode node;
  node.source.promised = Digest::parse("sha256:" + hex_digest(DigestAlgorithm::sha256, kRaw));
  node.source.damaged_place = std::string(kRaw.size(), 'x');
  CHECK(node.outcome() == "built");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 2 * kMiB, 0, 0});
  CHECK((node.built == kRaw));
}

TEST_CASE("bytes that don't fit are believed to be wrong when one transfer brought them") {
  const Digest wrong = Digest::parse("sha256:" + std::string(64, '0'));
  ResumeNode node;
  node.source.promised = wrong;
  CHECK(node.outcome() == "checksum_mismatch");
  CHECK(node.source.fetches == 1);
  CHECK(node.is_clean());
  node.break_off();
  CHECK(node.outcome() == "checksum_mismatch");
  CHECK(node.source.began_at == std::vector<std::size_t>{0, 0, 2 * kMiB, 0});
  CHECK(node.is_clean());
}

TEST_CASE("a base file that stands under a left transfer's key is a hit, whatever was left") {
  ResumeNode node;
  node.break_off();
  write_file(node.layout.base_file(node.key), "made by Nova meanwhile");
  OpContext op = test_operation();
  CHECK(node.images.acquire(image_base(), op).how() == cache::HowAcquired::hit);
  CHECK(node.source.fetches == 1);
}
