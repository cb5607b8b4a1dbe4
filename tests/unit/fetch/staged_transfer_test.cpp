#include "agent/fetch/staged_transfer.hpp"

#include <doctest/doctest.h>

#include <string>

#include "agent/layout/state_files.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using fetch::StagedTransfer;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

struct Place {
  Place() { layout::prepare_directories(layout); }
  StagedTransfer transfer() const { return StagedTransfer(layout, key, "x"); }
  std::string staged() const { return read_file(layout.fetched(key)); }

  ScratchDir scratch;
  layout::CacheLayout layout{scratch.path()};
  model::CacheKey key = model::CacheKey::for_image("an image");
};

constexpr std::size_t kPiece = StagedTransfer::kPiece.count;

// Bytes that tell where they stand.
std::string numbered(std::size_t length) {
  std::string text;
  text.reserve(length + 8);
  while (text.size() < length) text += std::to_string(text.size()) + ' ';
  text.resize(length);
  return text;
}

}  // namespace

TEST_CASE("small pieces are readable once a whole one has come together") {
  Place p;
  StagedTransfer transfer = p.transfer();
  transfer.start({.size = std::nullopt, .version = ""});
  transfer.append(bytes_of(std::string(kPiece - 1, 'a')));
  CHECK(transfer.size() == Bytes{0});
  CHECK(transfer.received() == Bytes{kPiece - 1});
  transfer.append(bytes_of("bc"));
  CHECK(transfer.size() == Bytes{kPiece});
  CHECK(transfer.received() == Bytes{kPiece + 1});
  transfer.flush();
  CHECK(transfer.size() == Bytes{kPiece + 1});
  CHECK((p.staged() == std::string(kPiece - 1, 'a') + "bc"));
}

TEST_CASE("bytes stand where they belong, in whatever portions they come") {
  Place p;
  const std::string image = numbered(3 * kPiece + 711);
  for (const std::size_t portion :
       {std::size_t{1009}, std::size_t{16384}, kPiece - 1, kPiece, kPiece + 1, image.size()}) {
    StagedTransfer transfer = p.transfer();
    transfer.start({.size = std::nullopt, .version = ""});
    for (std::size_t at = 0; at < image.size(); at += portion)
      transfer.append(bytes_of(image).subspan(at).first(std::min(portion, image.size() - at)));
    transfer.finish();
    CHECK(transfer.size() == Bytes{image.size()});
    CHECK((p.staged() == image));
  }
}

TEST_CASE("what hadn't become a whole piece is there for the next transfer, which goes on behind it") {
  Place p;
  const std::string image = numbered(5 * kPiece);
  const std::size_t broken_off = 4 * kPiece + 4711;
  {
    StagedTransfer transfer = p.transfer();
    transfer.start({.size = Bytes{image.size()}, .version = "v1"});
    transfer.append(bytes_of(image).first(broken_off));
  }
  StagedTransfer next = p.transfer();
  REQUIRE(next.held());
  CHECK(next.held()->count == Bytes{broken_off});
  next.append(bytes_of(image).subspan(broken_off));
  CHECK(next.size() == Bytes{image.size()});
  CHECK((p.staged() == image));
}

TEST_CASE("of a transfer that starts over nothing that was waiting is written") {
  Place p;
  StagedTransfer transfer = p.transfer();
  transfer.start({.size = std::nullopt, .version = ""});
  transfer.append(bytes_of("first"));
  transfer.start({.size = std::nullopt, .version = ""});
  transfer.append(bytes_of("second"));
  transfer.finish();
  CHECK(p.staged() == "second");
}
