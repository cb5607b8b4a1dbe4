#pragma once

#include <string>
#include <vector>

#include "agent/model/disk_plan.hpp"

// What is expected here, but for the cases that say so, is what Nova's own _get_disk_mapping, _get_rescue_disk_mapping
// and _create_image gave for the same devices when they were run (a volume on the root device there being the one of
// boot_index 0); tests/peers/test_disk_plan.py runs them again. The names of ephemeral base files are ours on purpose:
// they tell what formats the file and its label, where Nova always names its default.
namespace basecache::model::test {

struct Row {
  std::string what;
  const char* request;   // merged into a request for nothing but an image; null takes a field away
  std::string expected;  // "disk qcow2 10 GiB image | disk.swap raw 64 MiB swap_64 | config disk.config"
  PlanDefaults defaults = {};
};

InstanceSpec spec_of(const char* request);

// Each request is planned as expected.
void check(const std::vector<Row>& rows);

}  // namespace basecache::model::test
