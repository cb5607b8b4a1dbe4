#include "agent/model/mkfs_command.hpp"

#include <doctest/doctest.h>

using basecache::model::MkfsCommand;
using Argv = std::vector<std::string>;

TEST_CASE("label and file are put into the words of the command") {
  const MkfsCommand command = MkfsCommand::parse("mkfs.ext4 -q  -E nodiscard,x=1 -L %(fs_label)s %(target)s").value();
  CHECK(command.argv("ephemeral1", "/b/f") ==
        Argv{"mkfs.ext4", "-q", "-E", "nodiscard,x=1", "-L", "ephemeral1", "/b/f"});
  CHECK(command.text() == "mkfs.ext4 -q  -E nodiscard,x=1 -L %(fs_label)s %(target)s");
}

TEST_CASE("what is put in stays in its word, and nothing is read as a shell would") {
  const MkfsCommand command = MkfsCommand::parse("mkfs --label=%(fs_label)s '%(target)s' $HOME ; | %%").value();
  CHECK(command.argv("a b", "/b/c d; e") == Argv{"mkfs", "--label=a b", "'/b/c d; e'", "$HOME", ";", "|", "%"});
}

TEST_CASE("a command may go on on another line") {
  const MkfsCommand command = MkfsCommand::parse("mkfs -q\n-L %(fs_label)s %(target)s").value();
  CHECK(command.argv("a", "/b") == Argv{"mkfs", "-q", "-L", "a", "/b"});
  CHECK(command.writes_label());
}

TEST_CASE("a command tells whether it writes the label") {
  CHECK(MkfsCommand::parse("mkfs -L %(fs_label)s %(target)s").value().writes_label());
  CHECK_FALSE(MkfsCommand::parse("mkfs %(target)s").value().writes_label());
  CHECK_FALSE(MkfsCommand::parse("mkfs -L %%(fs_label)s %(target)s").value().writes_label());
}

TEST_CASE("a command without its file, or with a '%' that means nothing, is none") {
  for (const char* text : {"", "mkfs", "mkfs %(fs_label)s", "mkfs %%(target)s", "mkfs %(target)s %", "mkfs %(target)d",
                           "mkfs %s %(target)s", "mkfs %(other)s %(target)s"}) {
    CAPTURE(text);
    CHECK_FALSE(MkfsCommand::parse(text).has_value());
  }
}
