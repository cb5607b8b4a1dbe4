#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "backends/http/http_client.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/unit/http/fetching.hpp"

namespace basecache::http {
namespace {

using test::answer;
using test::Reply;
using test::ScriptedServer;

std::string make_image() {
  std::string image;
  for (int i = 0; image.size() < 300'000; ++i) image += fmt::format("{:07}\n", i);
  return image;
}
const std::string kImage = make_image();
constexpr std::size_t kHalf = 150'000;

const std::string kTag = "ETag: \"one\"\r\n";

// A 200 that breaks off after `sent` bytes.
Reply broken(std::size_t sent, std::string_view headers) {
  return {
      fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n", kImage.size(), headers) + kImage.substr(0, sent),
      Reply::Then::close};
}

std::string range_line(std::size_t first, std::size_t last, std::size_t whole) {
  return fmt::format("Content-Range: bytes {}-{}/{}\r\n", first, last, whole);
}

Reply rest(std::size_t from, std::string_view headers) {
  return answer(206, kImage.substr(from), range_line(from, kImage.size() - 1, kImage.size()) + std::string(headers));
}

// A 206 of the second half whose length only its range tells.
Reply chunked_rest(const std::string& body) {
  return {fmt::format("HTTP/1.1 206 Part\r\nTransfer-Encoding: chunked\r\n{}{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", kTag,
                      range_line(kHalf, kImage.size() - 1, kImage.size()), body.size(), body)};
}

struct Validator {
  std::string name;
  std::string headers;
  std::string if_range;  // "" when nobody may go on with it
};

const std::vector<Validator> kValidators{
    {"a strong tag", kTag, "If-Range: \"one\"\r\n"},
    {"a weak tag", "ETag: W/\"one\"\r\n", ""},
    {"the same tag twice", kTag + kTag, "If-Range: \"one\"\r\n"},
    {"two tags", "ETag: \"two\"\r\n" + kTag, ""},
    {"an old time", "Last-Modified: Mon, 02 Feb 2026 10:00:00 GMT\r\nDate: Mon, 02 Feb 2026 10:01:00 GMT\r\n",
     "If-Range: Mon, 02 Feb 2026 10:00:00 GMT\r\n"},
    {"a time that may be told of two versions",
     "Last-Modified: Mon, 02 Feb 2026 10:00:00 GMT\r\nDate: Mon, 02 Feb 2026 10:00:59 GMT\r\n", ""},
    {"a server without ranges", kTag + "Accept-Ranges: none\r\n", ""},
    {"nothing", "", ""},
};

TEST_CASE("a broken transfer goes on where it stopped, if a strong validator says that the bytes are the same") {
  for (const Validator& validator : kValidators) {
    CAPTURE(validator.name);
    const bool resumes = !validator.if_range.empty();
    ScriptedServer server({broken(kHalf, validator.headers),
                           resumes ? rest(kHalf, validator.headers) : answer(200, kImage, validator.headers)});
    Fetching fetching;
    fetching.download(server.url());
    CHECK(fetching.sink.content == kImage);
    REQUIRE(server.requests().size() == 2);
    CHECK(server.requests()[1].has(fmt::format("Range: bytes={}-\r\n", kHalf)) == resumes);
    CHECK(server.requests()[1].has("If-Range: ") == resumes);
    if (resumes) CHECK(server.requests()[1].has(validator.if_range));
    CHECK(fetching.sink.starts.size() == (resumes ? 1 : 2));
  }
}

TEST_CASE("who knows the version by another way needs no validator of the server's") {
  ScriptedServer server({broken(kHalf, ""), rest(kHalf, "")});
  Fetching fetching;
  fetching.download(server.url(), "sha512:abc");
  CHECK(fetching.sink.content == kImage);
  CHECK(server.requests()[1].has(fmt::format("Range: bytes={}-\r\n", kHalf)));
  CHECK_FALSE(server.requests()[1].has("If-Range"));
}

TEST_CASE("what an earlier download left is gone on with, at another server too") {
  ScriptedServer first({broken(kHalf, "")});
  ScriptedServer second({rest(kHalf, "")});
  Fetching fetching;
  CHECK(fetching.failure(first.url()).code() == ErrorCode::source_unavailable);
  fetching.sink.starts.clear();
  ScriptedServer again({broken(kHalf, "")});
  fetching.client.download({.urls = {again.url(), second.url()}}, "v", fetching.sink, test::test_operation());
  CHECK(fetching.sink.content == kImage);
  CHECK(second.requests().size() == 1);
}

TEST_CASE("of another version nothing is used") {
  ScriptedServer server({broken(1000, ""), answer(200, kImage)});
  HttpSettings settings = eager_settings();
  settings.retry.retries = 0;
  Fetching fetching(settings);
  CHECK_THROWS_AS(fetching.download(server.url(), "v1"), Error);
  CHECK(fetching.sink.content.size() == 1000);
  fetching.download(server.url(), "v2");
  CHECK(fetching.sink.content == kImage);
  CHECK_FALSE(server.requests()[1].has("Range"));
}

TEST_CASE("when every byte is there already, nobody is asked") {
  Fetching fetching;
  fetching.sink.start({.size = Bytes{4}, .version = "v"});
  fetching.sink.write(std::as_bytes(std::span("abcd", 4)));
  ScriptedServer server({});
  fetching.download(server.url(), "v");
  CHECK(server.requests().empty());
}

TEST_CASE("when every byte is there by the server's own tag, it is asked whether they are still the ones") {
  for (const bool changed : {false, true}) {
    CAPTURE(changed);
    Fetching fetching;
    fetching.sink.start({.size = Bytes{4}, .version = "\"one\""});
    fetching.sink.write(std::as_bytes(std::span("abcd", 4)));
    ScriptedServer server({changed ? answer(200, "efgh") : Reply{"HTTP/1.1 304 Not Modified\r\n\r\n"}});
    fetching.download(server.url());
    CHECK(fetching.sink.content == (changed ? "efgh" : "abcd"));
    CHECK(server.requests()[0].has("If-None-Match: \"one\"\r\n"));
    CHECK_FALSE(server.requests()[0].has("Range"));
  }
}

TEST_CASE("a time of modification doesn't tell that every byte is still the same") {
  Fetching fetching;
  fetching.sink.start({.size = Bytes{4}, .version = "Mon, 02 Feb 2026 10:00:00 GMT"});
  fetching.sink.write(std::as_bytes(std::span("abcd", 4)));
  ScriptedServer server({answer(200, "efgh")});
  fetching.download(server.url());
  CHECK(fetching.sink.content == "efgh");
  CHECK_FALSE(server.requests()[0].has("Modified"));
}

TEST_CASE("a server that changed the image, knows no ranges or lies about them is asked for the whole") {
  const std::string last = std::to_string(kImage.size() - 1);
  const std::vector<std::pair<std::string, std::vector<Reply>>> cases{
      {"200: changed, or no ranges", {answer(200, kImage, "ETag: \"two\"\r\n")}},
      {"416", {answer(416, ""), answer(200, kImage)}},
      {"206 of another tag", {rest(kHalf, "ETag: \"two\"\r\n"), answer(200, kImage)}},
      {"206 from elsewhere",
       {answer(206, kImage.substr(5), range_line(5, kImage.size() - 1, kImage.size()) + kTag), answer(200, kImage)}},
      {"206 of a longer image",
       {answer(206, kImage.substr(kHalf), range_line(kHalf, kImage.size() - 1, kImage.size() + 7) + kTag),
        answer(200, kImage)}},
      {"206 that stops early",
       {answer(206, kImage.substr(kHalf, 10), range_line(kHalf, kHalf + 9, kImage.size()) + kTag),
        answer(200, kImage)}},
      {"206 whose length isn't its range's",
       {answer(206, kImage.substr(kHalf + 1), range_line(kHalf, kImage.size() - 1, kImage.size()) + kTag),
        answer(200, kImage)}},
      {"206 without a range", {answer(206, kImage.substr(kHalf), kTag), answer(200, kImage)}},
      {"206 of several parts",
       {rest(kHalf, kTag + "Content-Type: multipart/byteranges; boundary=x\r\n"), answer(200, kImage)}},
      {"206 of two tags", {rest(kHalf, "ETag: \"two\"\r\n" + kTag), answer(200, kImage)}},
      {"206 of a weak tag", {rest(kHalf, "ETag: W/\"one\"\r\n"), answer(200, kImage)}},
      {"206 without a tag", {rest(kHalf, ""), answer(200, kImage)}},
      {"206 that sends more than its range", {chunked_rest(kImage.substr(kHalf) + "more"), answer(200, kImage)}},
  };
  for (const auto& row : cases) {
    CAPTURE(row.first);
    std::vector<Reply> script{broken(kHalf, kTag)};
    script.insert(script.end(), row.second.begin(), row.second.end());
    ScriptedServer server(script);
    Fetching fetching;
    fetching.download(server.url());
    CHECK(fetching.sink.content == kImage);
    REQUIRE(server.requests().size() == script.size());
    if (script.size() == 3) CHECK_FALSE(server.requests()[2].has("Range"));
  }
}

TEST_CASE("where nobody says how long the image is, a part of it isn't taken for the rest") {
  const Reply unknown{fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{}\r\n{:x}\r\n", kTag, kHalf) +
                          kImage.substr(0, kHalf),
                      Reply::Then::close};
  for (const char* whole : {"*", "300000"}) {
    CAPTURE(whole);
    const bool known = *whole != '*';
    const std::string range = fmt::format("Content-Range: bytes {}-{}/{}\r\n", kHalf, kImage.size() - 1, whole);
    ScriptedServer server({unknown, answer(206, kImage.substr(kHalf), range + kTag), answer(200, kImage)});
    Fetching fetching;
    fetching.download(server.url());
    CHECK(fetching.sink.content == kImage);
    CHECK(server.requests().size() == (known ? 2 : 3));
    CHECK(fetching.sink.starts.size() == (known ? 1 : 3));
  }
}

TEST_CASE("a rest that is chunked and ends early is gone on with") {
  constexpr std::size_t short_of_it = 1000;
  ScriptedServer server(
      {broken(kHalf, kTag), chunked_rest(kImage.substr(kHalf, short_of_it)), rest(kHalf + short_of_it, kTag)});
  Fetching fetching;
  fetching.download(server.url());
  CHECK(fetching.sink.content == kImage);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a time of modification that has changed, or is told too soon, is no reason to mix") {
  const std::string date = "Date: Mon, 02 Feb 2026 10:01:00 GMT\r\n";
  const std::string first = "Last-Modified: Mon, 02 Feb 2026 10:00:00 GMT\r\n" + date;
  for (const std::string& second :
       std::vector<std::string>{"Last-Modified: Mon, 02 Feb 2026 10:00:59 GMT\r\n" + date, date}) {
    ScriptedServer server({broken(kHalf, first), rest(kHalf, second), answer(200, kImage)});
    Fetching fetching;
    fetching.download(server.url());
    CHECK(fetching.sink.content == kImage);
    CHECK(fetching.sink.starts.size() >= 2);
    CHECK(server.requests().size() == 3);
  }
}

// A download that breaks off in the middle, then one that meets `script`.
struct Resumed {
  explicit Resumed(std::vector<Reply> script) : fetching(settings()), server(whole_script(std::move(script))) {
    CHECK(fetching.failure(server.url()).code() == ErrorCode::source_unavailable);
  }
  static HttpSettings settings() {
    HttpSettings settings = eager_settings();
    settings.retry.retries = 0;
    return settings;
  }
  static std::vector<Reply> whole_script(std::vector<Reply> script) {
    script.insert(script.begin(), broken(kHalf, kTag));
    return script;
  }
  std::vector<bool> asked_for_range() const {
    std::vector<bool> asked;
    for (const test::Received& request : server.requests()) asked.push_back(request.has("Range: bytes="));
    return asked;
  }

  Fetching fetching;
  ScriptedServer server;
};

std::vector<Reply> refusals_of_a_rest() {
  std::vector<Reply> refusals;
  for (const int status : {400, 403, 404, 500, 501}) refusals.push_back(answer(status, "no ranges"));
  for (const char* headers : {"Content-Encoding: gzip\r\n", "Content-Type: text/html\r\n"}) {
    refusals.push_back(rest(kHalf, kTag + headers));
  }
  return refusals;
}

TEST_CASE("a server that refuses a rest in its own way is asked for the whole, once, even where nothing is retried") {
  for (const Reply& refusal : refusals_of_a_rest()) {
    CAPTURE(refusal.bytes.substr(0, 80));
    Resumed resumed({refusal, answer(200, kImage)});
    resumed.fetching.download(resumed.server.url());
    CHECK(resumed.fetching.sink.content == kImage);
    CHECK(resumed.asked_for_range() == std::vector<bool>{false, true, false});
  }
}

TEST_CASE("what is refused with a range and without is the answer, and nothing against what is held") {
  for (const Reply& refusal : refusals_of_a_rest()) {
    CAPTURE(refusal.bytes.substr(0, 80));
    Resumed resumed({refusal, answer(404, "x"), rest(kHalf, kTag)});
    CHECK(resumed.fetching.failure(resumed.server.url()).code() == ErrorCode::image_not_found);
    CHECK(resumed.fetching.sink.content.size() == kHalf);
    resumed.fetching.download(resumed.server.url());
    CHECK(resumed.fetching.sink.content == kImage);
    CHECK(resumed.asked_for_range() == std::vector<bool>{false, true, false, true});
  }
}

TEST_CASE("a server that wants patience, or another token, isn't asked for the whole instead") {
  for (const int status : {401, 408, 429, 503}) {
    CAPTURE(status);
    Resumed resumed({answer(status, "later"), answer(200, kImage)});
    CHECK_FALSE(resumed.fetching.failure(resumed.server.url()).message().empty());
    CHECK(resumed.fetching.sink.content.size() == kHalf);
    CHECK(resumed.asked_for_range() == std::vector<bool>{false, true});
  }
}

TEST_CASE("a rest that is refused isn't asked for again by the next download") {
  ScriptedServer server({broken(kHalf, kTag), answer(416, ""), answer(200, kImage)});
  HttpSettings settings = eager_settings();
  settings.retry.retries = 0;
  Fetching fetching(settings);
  CHECK(fetching.failure(server.url()).code() == ErrorCode::source_unavailable);
  CHECK(fetching.failure(server.url()).code() == ErrorCode::source_unavailable);
  fetching.download(server.url());
  CHECK(fetching.sink.content == kImage);
  CHECK(server.requests()[1].has("Range"));
  CHECK_FALSE(server.requests()[2].has("Range"));
}

TEST_CASE("attempts that bring something don't count against the retries, those that don't do") {
  constexpr std::size_t piece = 70'000;
  std::vector<Reply> script{broken(piece, kTag)};
  for (std::size_t at = piece; at < kImage.size(); at += piece) {
    const bool is_last = at + piece >= kImage.size();
    Reply reply = rest(at, kTag);
    if (!is_last) {
      const std::size_t head = reply.bytes.find("\r\n\r\n") + 4;
      reply = {reply.bytes.substr(0, head + piece), Reply::Then::close};
    }
    script.push_back(reply);
  }
  REQUIRE(script.size() == 5);  // more than the three attempts that are allowed without
  ScriptedServer server(script);
  Fetching fetching;
  fetching.download(server.url());
  CHECK(fetching.sink.content == kImage);
  CHECK(fetching.sink.starts.size() == 1);

  ScriptedServer forgetful(std::vector<Reply>(6, broken(kHalf, kTag)));  // knows no ranges
  Fetching anew;
  CHECK(anew.failure(forgetful.url()).code() == ErrorCode::source_unavailable);
  CHECK(forgetful.requests().size() == 4);  // the first one brought something

  ScriptedServer stingy(std::vector<Reply>(5, broken(100, kTag)));
  CHECK(fetching.failure(stingy.url()).code() == ErrorCode::source_unavailable);
  CHECK(stingy.requests().size() == 3);
}

}  // namespace
}  // namespace basecache::http
