#pragma once

#include <string>
#include <vector>

namespace basecache::cli {

// Columns as wide as what stands in them, two blanks apart; the first row is the heading. A row is one line, whatever
// its cells hold.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) : rows_{std::move(heading)} {}
  void add(const std::vector<std::string>& cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "2 days", "3 h", "5 min", "12 s".
std::string age_text(long long seconds);

}  // namespace basecache::cli
