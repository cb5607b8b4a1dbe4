#include "agent/prune/directory_entries.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <boost/filesystem/operations.hpp>
#include <map>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

using namespace basecache;
using namespace basecache::test;
using prune::DirectoryEntry;
using Kind = prune::DirectoryEntry::Kind;

TEST_CASE("a directory says what its entries are, links as links") {
  ScratchDir dir;
  write_file(dir / "file", "x");
  boost::filesystem::create_directory(dir / "directory");
  boost::filesystem::create_symlink("directory", dir / "link");
  boost::filesystem::create_symlink("link-to-itself", dir / "link-to-itself");
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  std::map<std::string, Kind> found;
  for (const DirectoryEntry& entry : prune::entries_of(dir.path())) found.emplace(entry.name, entry.kind);
  const std::map<std::string, Kind> expected{{"file", Kind::file},
                                             {"directory", Kind::directory},
                                             {"link", Kind::link},
                                             {"link-to-itself", Kind::link},
                                             {"pipe", Kind::other}};
  CHECK((found == expected));
}

TEST_CASE("what can't be read is an error, not an empty directory") {
  ScratchDir dir;
  write_file(dir / "file", "x");
  CHECK_THROWS_AS(prune::entries_of(dir / "file"), Error);
  CHECK_THROWS_AS(prune::entries_of(dir / "absent"), Error);
}
