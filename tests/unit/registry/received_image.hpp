#pragma once

#include <functional>
#include <optional>
#include <string>

#include "agent/base/error.hpp"
#include "agent/base/posix_file.hpp"
#include "agent/fetch/image_source.hpp"
#include "tests/support/failure.hpp"

namespace basecache::test {

// Keeps what a source sends.
class ReceivedImage : public fetch::ImageSink {
 public:
  std::optional<fetch::HeldBytes> held() override { return std::nullopt; }
  void start(const fetch::Transfer& transfer) override {
    ++starts;
    announced = transfer.size;
    bytes.clear();
    if (transfer.file >= 0) take(transfer.file);
  }
  void write(std::span<const std::byte> block) override {
    bytes.append(reinterpret_cast<const char*>(block.data()), block.size());
    if (on_write) on_write();
  }

  void verify() override {
    if (expected && bytes != *expected) throw Error(ErrorCode::checksum_mismatch, "not the promised bytes");
  }

  std::optional<std::string> expected;
  int starts = 0;
  std::optional<Bytes> announced;
  std::string bytes;
  std::function<void()> on_write;

 private:
  void take(int file) {
    bytes.resize(announced.value().count);
    bytes.resize(read_at(file, std::as_writable_bytes(std::span(bytes)), 0, "the source"));
    if (on_write) on_write();
  }
};

}  // namespace basecache::test
