#pragma once

#include <optional>
#include <vector>

#include "agent/base/op_context.hpp"
#include "agent/cache/base_file.hpp"
#include "agent/cache/base_file_builder.hpp"
#include "agent/cache/base_file_record.hpp"
#include "agent/cache/image_converter.hpp"
#include "agent/cache/quarantine.hpp"
#include "agent/fetch/image_inspector.hpp"
#include "agent/model/base_file_spec.hpp"

namespace basecache::cache {

// Sees to it that nothing of `_base` is used which has not passed the inspector's newest rules, or is marked as unfit.
// What was published as it came, or inherited, is inspected where it stands. Of what was converted, the rules are for
// the bytes that it was made from: they are fetched again, must be the same by their digest, and must pass.
class Review {
 public:
  Review(const layout::CacheLayout& layout, const fetch::ImageInspector& inspector, ImageConverter& converter,
         BaseFileBuilder& builder, Quarantine& quarantine)
      : layout_(layout), inspector_(inspector), converter_(converter), builder_(builder), quarantine_(quarantine) {}

  // Whether the base file must not be used before pass().
  bool is_due(const BaseFile& base) const;

  // Afterwards the base file is fit or gone, to be built anew; nothing to do for one that isn't due. What fails goes to
  // quarantine, with a note. Error(in_use) when it is unfit and has to stay. The caller holds the exclusive lock.
  void pass(const model::BaseFileSpec& spec, OpContext& op);

  // Error(in_use) when the base file is marked as unfit.
  void refuse_unfit(const model::CacheKey& key) const;

 private:
  bool is_outdated(const BaseFile& base) const;
  void inspect_again(const model::ImageBase& image, const BaseFile& base, OpContext& op);
  std::vector<fetch::Finding> findings_in_source(const model::ImageBase& image, const BaseFileRecord& record,
                                                 OpContext& op);
  std::vector<fetch::Finding> findings_in(const BaseFile& base, const model::ImageBase& image, BaseFileRecord& record,
                                          OpContext& op);

  const layout::CacheLayout& layout_;
  const fetch::ImageInspector& inspector_;
  ImageConverter& converter_;
  BaseFileBuilder& builder_;
  Quarantine& quarantine_;
};

}  // namespace basecache::cache
