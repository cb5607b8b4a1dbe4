#include "tests/support/scratch_dir.hpp"

#include <boost/filesystem/operations.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace basecache::test {

ScratchDir::ScratchDir() {
  std::string name = (boost::filesystem::temp_directory_path() / "basecache-test.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a scratch directory like " + name);
  path_ = name;
}

ScratchDir::~ScratchDir() {
  boost::system::error_code ignored;
  boost::filesystem::remove_all(path_, ignored);
}

void write_file(const Path& path, std::string_view content) {
  std::ofstream out(path.string(), std::ios::binary | std::ios::trunc);
  out << content;
  if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string read_file(const Path& path) {
  std::ifstream in(path.string(), std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace basecache::test
