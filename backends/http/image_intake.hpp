#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agent/fetch/image_source.hpp"
#include "backends/http/body_taker.hpp"
#include "backends/http/http_request.hpp"

namespace basecache::http {

// Lets into the sink what may be an image, and nothing else: no web page, no encoded body, none beyond a limit, no
// bytes of another version behind those that are there. Lives for a whole download, all its attempts.
// Its Errors are final: the server would send the same again.
class ImageIntake : public BodyTaker {
 public:
  // `version`: as of HttpClient::download(). `url` is named in Errors, redacted. `sink` must outlive the intake.
  ImageIntake(fetch::ImageSink& sink, std::string version, Bytes limit, const std::string& url);

  // Once before each attempt. False: every byte is there, and there is nothing to ask for.
  bool prepare();
  // Every byte is there by the server's own tag: it is asked whether they are still the ones (304).
  bool asks_whether_changed() const { return asked_for_ && asked_for_->transfer.size == asked_for_->count; }
  // What an attempt asks for besides: the rest only, or the whole if it has changed.
  std::vector<HttpHeader> range_headers() const;

  // The server has no such rest (416): what is held is void, and this download asks for whole images from now on.
  // False: it hadn't been asked for a rest.
  bool give_up_range();
  // After the fault of an attempt that would be the last: true when the next one shall ask for the whole, as what the
  // server refuses may be the range. Once in a download. What is held stays until a whole image begins to come.
  bool turns_to_whole(const Fault& fault);
  // Whether the last attempt came further than any before, with what can be gone on with: the way can't be broken.
  bool has_advanced() const { return advanced_; }

  bool wants(int status) const override { return status == 200 || status == 206; }
  std::optional<Fault> begin(const ResponseHead& head) override;
  std::optional<Fault> body(std::span<const std::byte> bytes) override;
  std::optional<Fault> end() override;

 private:
  [[noreturn]] void refuse(const std::string& why, const std::string& hint) const;
  // Why it isn't one, and what to do; nothing for what may be.
  static std::optional<std::pair<std::string, std::string>> no_image(const ResponseHead& head);
  void check_size(Bytes size) const;
  std::optional<Fault> begin_rest(const ResponseHead& head);
  bool is_the_rest(const ResponseHead& head) const;
  bool has_same_validator(const ResponseHead& head) const;
  Fault wrong_range(const std::string& reason);

  fetch::ImageSink& sink_;
  const std::string version_;
  const Bytes limit_;
  const std::string shown_url_;
  bool takes_ranges_ = true;
  bool resumable_ = false;                     // the transfer that is under way
  std::optional<fetch::HeldBytes> asked_for_;  // what this attempt goes on behind
  std::optional<Bytes> end_;                   // where this attempt's body has to end, when the server said
  Bytes received_;
  Bytes furthest_;  // of the attempts before this one
  bool advanced_ = false;
};

}  // namespace basecache::http
