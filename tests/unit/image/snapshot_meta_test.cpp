#include "agent/image/snapshot_meta.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::image;

TEST_CASE("an operator says what else snapshots aren't given") {
  const SystemMetadata kept{{"image_os_type", "linux"}, {"image_cache_in_nova", "true"}, {"image_img_signature", "x"}};
  const auto given = snapshot_meta(kept, "s", {"os_type"});
  CHECK(given.properties == SystemMetadata{{"cache_in_nova", "true"}});
}

TEST_CASE("what isn't of an image, and minima that are no numbers, are left where they are") {
  const auto meta = image_meta_from({{"instance_type_id", "7"}, {"image_min_ram", "much"}, {"image_a", "b"}});
  CHECK_FALSE(meta.min_ram);
  CHECK(meta.properties == SystemMetadata{{"a", "b"}});
}
