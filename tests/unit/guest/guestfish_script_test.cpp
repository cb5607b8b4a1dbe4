#include "backends/guest/guestfish_script.hpp"

#include <doctest/doctest.h>

#include "agent/base/error.hpp"
#include "agent/injection/apply_item.hpp"

using namespace basecache;
using namespace basecache::guest;
using injection::ItemKind;

TEST_CASE("what is asked depends on what goes in") {
  using List = std::vector<std::string>;
  CHECK(questions_for({0, {{ItemKind::metadata, "{}", {}}}}).paths == List{"/"});
  CHECK(questions_for({0, {{ItemKind::key, "k", {}}}}).paths ==
        List{"/", "/etc/selinux", "/etc/rc.local", "/etc/rc.d", "/etc/rc.d/rc.local"});
  CHECK(questions_for({0, {{ItemKind::admin_password, "c", {}}}}).files == List{"/etc/passwd", "/etc/shadow"});
  CHECK(questions_for({0, {{ItemKind::files, {}, {{"/a", ""}, {"/b/c/d", ""}}}}}).paths == List{"/", "/b/c"});
}

TEST_CASE("answers are told apart by a mark") {
  const GuestQuestions questions{{"/", "/etc/selinux"}, {"/etc/passwd", "/etc/shadow"}};
  CHECK(script_of(questions, "M") ==
        "echo M:0\n-exists \"/\"\necho M:1\n-exists \"/etc/selinux\"\necho M:2\n-cat \"/etc/passwd\"\necho M:3\n-cat "
        "\"/etc/shadow\"\necho M:4\n");
  const GuestAnswers answers = answers_from("M:0\ntrue\nM:1\nfalse\nM:2\nroot:x\nM:9\n\nM:3\nM:4\n", questions, "M");
  CHECK(answers.has.at("/"));
  CHECK_FALSE(answers.has.at("/etc/selinux"));
  CHECK(answers.files.at("/etc/passwd") == "root:x\nM:9\n\n");
  CHECK_FALSE(answers.files.contains("/etc/shadow"));
}

TEST_CASE("changes become commands, whatever letters are in them") {
  GuestfishScript script({{{"/etc/selinux", false}}, {}}, "M");
  injection::apply_item({ItemKind::key, "a \"b\"\\ $c\n", {}}, script);
  CHECK(script.take(false) ==
        "-mkdir-p \"/root/.ssh\"\n-chown 0 0 \"/root/.ssh\"\n-chmod 0700 \"/root/.ssh\"\n"
        "-write-append \"/root/.ssh/authorized_keys\" "
        "\"\\x0a#\\x20The\\x20following\\x20ssh\\x20key\\x20was\\x20injected\\x20by\\x20Nova\\x0aa\\x20\\x22b\\x22\\x5c"
        "\\x20$c\\x0a\"\n-chmod 0600 \"/root/.ssh/authorized_keys\"\n");
  injection::apply_item({ItemKind::files, {}, {{"/a b", std::string("\0\n", 2)}}}, script);
  CHECK(script.take(true) == "base64-in -<<M \"/.M\"\nAAo=\nM\ncopy-file-to-file \"/.M\" \"/a\\x20b\"\nrm-f \"/.M\"\n");
  CHECK(script.take(true).empty());
}

TEST_CASE("no line is longer than guestfish reads") {
  GuestfishScript script({}, "M");
  injection::apply_item({ItemKind::key, std::string(16'000, '"'), {}}, script);
  injection::apply_item({ItemKind::files, {}, {{"/f", std::string(100'000, 'x')}}}, script);
  std::size_t longest = 0;
  const std::string text = script.take(true);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  CHECK(longest < 8192);
}

TEST_CASE("what couldn't be read is an error of the item") {
  GuestfishScript script({}, "M");
  CHECK_THROWS_AS(injection::apply_item({ItemKind::admin_password, "c", {}}, script), Error);
}
