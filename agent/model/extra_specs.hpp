#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace basecache::model {

// Reads a flavor's extra specs one by one (nova/api/validation/extra_specs): those that nobody asks for are carried and
// mean nothing here. A wrong value is Error(invalid_request) with the field "flavor.extra_specs.<name>".
class ExtraSpecs {
 public:
  // `specs` must outlive this.
  explicit ExtraSpecs(const std::map<std::string, std::string>& specs) : specs_(specs) {}

  std::optional<std::int64_t> integer(const std::string& name, std::int64_t least, std::int64_t most) const;
  // As oslo.utils has it, but what is neither is wrong.
  std::optional<bool> truth(const std::string& name) const;
  std::optional<std::string> word(const std::string& name, const std::vector<std::string_view>& allowed) const;

  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;

 private:
  const std::string* find(const std::string& name) const;

  const std::map<std::string, std::string>& specs_;
};

}  // namespace basecache::model
