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
        "echo M:0\n-exists \"/\"\necho M:1\n-exists \"/etc/selinux\"\n"
        "echo M:2\n-cat \"/etc/passwd\"\necho M:3\n-filesize \"/etc/passwd\"\n"
        "echo M:4\n-cat \"/etc/shadow\"\necho M:5\n-filesize \"/etc/shadow\"\necho M:6\n");
  const GuestAnswers answers =
      answers_from("M:0\ntrue\nM:1\nfalse\nM:2\nroot:x\nM:9\n\nM:3\n11\nM:4\nM:5\nM:6\n", questions, "M");
  CHECK(answers.has.at("/"));
  CHECK_FALSE(answers.has.at("/etc/selinux"));
  CHECK(answers.files.at("/etc/passwd") == "root:x\nM:9\n");  // without guestfish's own newline
  CHECK_FALSE(answers.files.contains("/etc/shadow"));
}

TEST_CASE("a file that isn't shown to its end can't be read, and a question without an answer is an error") {
  const GuestQuestions questions{{"/"}, {"/etc/passwd"}};
  const std::string up = "M:up\nM:0\ntrue\nM:1\n";
  CHECK(answers_from(up + "root\n\nM:2\n5\nM:3\n", questions, "M").files.at("/etc/passwd") == "root\n");
  CHECK(answers_from(up + "root\n\nM:2\n9\nM:3\n", questions, "M").files.empty());  // a NUL ended it
  CHECK(answers_from(up + "root\n", questions, "M").files.empty());                 // our limit did
  CHECK(answers_from(up + "root\n\nM:2\n", questions, "M").files.empty());
  CHECK_THROWS_AS((void)answers_from("M:0\ntrue\n", questions, "M"), Error);
  CHECK_THROWS_AS((void)answers_from("", questions, "M"), Error);
}

TEST_CASE("changes become commands, whatever letters are in them") {
  GuestfishScript script({{{"/etc/selinux", false}}, {}}, "M");
  injection::apply_item({ItemKind::key, "a \"b\"\\ $c\n", {}}, script);
  const GuestCommands::OfItem key = script.take(ItemKind::key);
  CHECK(key.prepare.find("mkdir-p \"/root/.ssh\"\nchown 0 0 \"/root/.ssh\"\nchmod 0700 \"/root/.ssh\"\n") !=
        std::string::npos);
  CHECK(key.change ==
        "write-append \"/root/.ssh/authorized_keys\" "
        "\"\\x0a#\\x20The\\x20following\\x20ssh\\x20key\\x20was\\x20injected\\x20by\\x20Nova\\x0aa\\x20\\x22b\\x22\\x5c"
        "\\x20$c\\x0a\"\nchmod 0600 \"/root/.ssh/authorized_keys\"\n");
  injection::apply_item({ItemKind::files, {}, {{"/a b", std::string("\0\n", 2)}}}, script);
  const GuestCommands::OfItem files = script.take(ItemKind::files);
  CHECK(files.prepare ==
        "mkdir-mode /.M 0700\nbase64-in -<<M \"/.M/0\"\nAAo=\nM\ncopy-file-to-file \"/.M/0\" \"/.M/0.room\"\n"
        "rm-f \"/.M/0.room\"\n");
  CHECK(files.change == "copy-file-to-file \"/.M/0\" \"/a\\x20b\"\n");
  CHECK(script.take(ItemKind::files).change.empty());
}

TEST_CASE("a command that fails ends its item before anything of the guest is changed") {
  const GuestCommands commands{.mark = "M",
                               .items = {{ItemKind::key, "p1\n", "c1\n"}, {ItemKind::files, "p2\n", "c2\n"}}};
  CHECK(script_of(commands, 0) ==
        "p1\necho M:changing\nc1\n-rm-rf /.M\necho M:done\np2\necho M:changing\nc2\n-rm-rf /.M\necho M:done\n");
  CHECK(script_of(commands, 1) == "-rm-rf /.M\np2\necho M:changing\nc2\n-rm-rf /.M\necho M:done\n");
  CHECK(script_of(commands, 2) == "-rm-rf /.M\n");
}

TEST_CASE("how far a script came is told by its marks") {
  struct Row {
    std::string output;
    bool is_up;
    std::size_t done;
    bool is_changing;
  };
  for (const Row& row :
       {Row{"", false, 0, false}, Row{"M:up\n", true, 0, false}, Row{"M:up\nM:changing\n", true, 0, true},
        Row{"M:up\nM:changing\nM:done\n", true, 1, false}, Row{"M:up\nM:changing\nM:done\nM:changing\n", true, 1, true},
        Row{"N:up\nN:done\n", false, 0, false}}) {
    CAPTURE(row.output);
    const GuestProgress progress = progress_of(row.output, "M");
    CHECK(progress.is_up == row.is_up);
    CHECK(progress.done == row.done);
    CHECK(progress.is_changing == row.is_changing);
  }
}

TEST_CASE("a run mounts what is named, for reading where it only asks") {
  CHECK(opening_script("M", injection::kInspect, true) == "echo M:up\n");
  CHECK(opening_script("M", injection::kWholeDisk, true) == "run\necho M:up\nmount-ro /dev/sda /\n");
  CHECK(opening_script("M", 3, false) == "run\necho M:up\nmount /dev/sda3 /\n");
}

TEST_CASE("a directory that an item made keeps its mode when a later one needs it") {
  GuestfishScript script({}, "M");
  injection::apply_item({ItemKind::key, "k", {}}, script);
  (void)script.take(ItemKind::key);
  injection::apply_item({ItemKind::files, {}, {{"/root/.ssh/config", "x"}}}, script);
  CHECK(script.take(ItemKind::files).prepare.find("chmod") == std::string::npos);
  CHECK(script.has("/root"));
}

TEST_CASE("no line is longer than guestfish reads") {
  GuestfishScript script({}, "M");
  injection::apply_item({ItemKind::key, std::string(16'000, '"'), {}}, script);
  injection::apply_item({ItemKind::files, {}, {{"/f", std::string(100'000, 'x')}}}, script);
  std::size_t longest = 0;
  const GuestCommands::OfItem all = script.take(ItemKind::files);
  const std::string text = all.prepare + all.change;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  CHECK(longest > 1000);
  CHECK(longest < 8192);
}

TEST_CASE("what couldn't be read is an error of the item") {
  GuestfishScript script({}, "M");
  CHECK_THROWS_AS(injection::apply_item({ItemKind::admin_password, "c", {}}, script), Error);
}
