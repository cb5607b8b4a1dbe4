#pragma once

#include <optional>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/image_converter.hpp"
#include "agent/cache/image_inspector.hpp"
#include "agent/cache/quarantine.hpp"

namespace basecache::cache {

// Sees to it that nothing of `_base` is used which has not passed the inspector's newest rules, or is marked as unfit.
// What can be looked at is the published file: of what was converted, its source's bytes are gone.
class Review {
 public:
  Review(const CacheLayout& layout, const ImageInspector& inspector, ImageConverter& converter, Quarantine& quarantine)
      : layout_(layout), inspector_(inspector), converter_(converter), quarantine_(quarantine) {}

  // Whether the base file must not be used before pass().
  bool is_due(const BaseFile& base) const;

  // Afterwards the base file is fit or gone, to be built anew; nothing to do for one that isn't due. One whose record
  // is of older rules is inspected under the shared lock of its key: nobody writes to it, and users of today don't have
  // to be waited for. What fails goes to quarantine, with a note. Error(in_use) when it is unfit and has to stay.
  void pass(const model::CacheKey& key, OpContext& op);

  // Error(in_use) when the base file is marked as unfit.
  void refuse_unfit(const model::CacheKey& key) const;

 private:
  bool is_outdated(const std::optional<BaseFile>& base) const;
  void inspect_if_outdated(const model::CacheKey& key, OpContext& op);
  void inspect_again(const BaseFile& base, OpContext& op);
  std::vector<Finding> findings_in(const BaseFile& base, OpContext& op);

  const CacheLayout& layout_;
  const ImageInspector& inspector_;
  ImageConverter& converter_;
  Quarantine& quarantine_;
};

}  // namespace basecache::cache
