#include "tests/unit/model/disk_plan_rows.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "agent/base/byte_size.hpp"

namespace basecache::model::test {
namespace {

using nlohmann::json;

const std::string kKernel = "7a1f4d5e-1111-4222-8333-444455556666";
const std::string kRamdisk = "file:///boot/initrd.img";

const json kBareRequest = {{"uuid", "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90"},
                           {"image_ref", "155d900f-4e14-4e4c-a73d-069cbf4541e6"}};

std::string base_in_words(const BaseFileSpec& base) {
  const auto* image = std::get_if<ImageBase>(&base);
  if (image == nullptr) return key_of(base).text();
  const std::string use = image->use == ImageUse::boot_file ? " as it comes" : "";
  if (image->ref.text() == kKernel) return "kernel image" + use;
  return (image->ref.text() == kRamdisk ? "ramdisk image" : "image") + use;
}

// "disk qcow2 10 GiB image | disk.swap raw 64 MiB swap_64 | config disk.config"
std::string in_words(const DiskPlan& plan) {
  std::string words;
  const auto add = [&](const std::string& part) { words += (words.empty() ? "" : " | ") + part; };
  for (const DiskSpec& disk : plan.disks) {
    const std::string size = disk.size ? to_text(*disk.size) : "own size";
    add(disk.name + " " + std::string(name_of(disk.images_type)) + " " + size + " " + base_in_words(disk.base));
  }
  if (plan.config_drive) add("config " + *plan.config_drive);
  return words;
}

}  // namespace

InstanceSpec spec_of(const char* request) {
  json whole = kBareRequest;
  whole.merge_patch(json::parse(request));
  return InstanceSpec::make(whole);
}

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(in_words(plan_disks(spec_of(row.request), row.defaults)) == row.expected);
  }
}

}  // namespace basecache::model::test
