#include "tools/basecache-qemu-hook/hook_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace basecache;
using namespace basecache::hook;

TEST_CASE("a failure is one line with its hint") {
  CHECK(failure_line("no such image", "name another") == "basecache: no such image; name another\n");
  CHECK(failure_line("no such image", "") == "basecache: no such image\n");
  CHECK(failure_line("a\nb\x1b[2J", "c\td") == "basecache: a b [2J; c d\n");
}

TEST_CASE("however much there is to tell, the line is short, whole and in UTF-8") {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string why(shift, 'x');
    for (int i = 0; i < 300; ++i) why += "\xe2\x82\xac";
    const std::string line = failure_line(why, why);
    CHECK(line.size() <= kLongestLine);
    CHECK(line.size() > kLongestLine - 8);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.find("\xe2\x82\xac...\xe2\x82\xac") != std::string::npos);
    CHECK(line.find("\xe2\x82\xac; ") != std::string::npos);
    CHECK(line.ends_with("\xe2\x82\xac...\n"));
  }
}

TEST_CASE("of a long failure the reason stays, which is told last") {
  const std::string doing = "cannot create the disks of instance " + std::string(300, 'x') + ": ";
  const std::string line = failure_line(doing + "cannot take the image: it has a backing file", "upload another");
  CHECK(line.starts_with("basecache: cannot create the disks of instance x"));
  CHECK(line.ends_with("x: cannot take the image: it has a backing file; upload another\n"));
}

TEST_CASE("what isn't ready says how far it is") {
  const std::string end = "; start it again in a moment\n";
  const std::string begin = "basecache: the disks of 'web01' are still being made";
  CHECK(not_ready_line("web01", std::nullopt) == begin + end);
  const Progress half{.step = "fetch", .subject = "http://a/b", .done = 512, .total = 1024};
  CHECK(not_ready_line("web01", half) == begin + " (fetch 'http://a/b', 50 % of 1 KiB)" + end);
  const Progress open_end{.step = "fetch", .subject = "", .done = 512, .total = {}};
  CHECK(not_ready_line("web01", open_end) == begin + " (fetch, 512 B)" + end);
  const Progress just_begun{.step = "wait", .subject = "", .done = 0, .total = 0};
  CHECK(not_ready_line("web01", just_begun) == begin + " (wait)" + end);
  const Progress long_one{.step = "fetch", .subject = std::string(4000, 'x'), .done = 1, .total = 3};
  const std::string line = not_ready_line(std::string(4000, 'y'), long_one);
  CHECK(line.size() <= kLongestLine);
  CHECK(line.find("33 % of 3 B") != std::string::npos);
  CHECK(line.ends_with(end));
}
