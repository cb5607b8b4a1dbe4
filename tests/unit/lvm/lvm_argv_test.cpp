#include "backends/lvm/lvm_argv.hpp"

#include <doctest/doctest.h>

using namespace basecache;
using namespace basecache::lvm;

TEST_CASE("reports are JSON, with sizes in bytes") {
  CHECK(group_report_argv("vg") == Argv{"lvm", "vgs", "--reportformat", "json", "--units", "b", "--nosuffix",
                                        "--options", "vg_free,vg_extent_size", "vg"});
  CHECK(volume_report_argv("vg") ==
        Argv{"lvm", "lvs", "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
             "lv_name,lv_path,lv_attr,lv_size,origin,origin_size,data_percent,lv_tags", "vg"});
}

TEST_CASE("each allocation has its own way to make a volume, without questions") {
  CHECK(create_linear_argv("vg", "v", Bytes{4097}) == Argv{"lvm", "lvcreate", "--yes", "--name", "v",
                                                           "--wipesignatures", "n", "--type", "linear", "--size",
                                                           "4608b", "vg"});
  CHECK(create_sparse_argv("vg", "v", gibibytes(1), mebibytes(64)) == Argv{"lvm", "lvcreate", "--yes", "--name", "v",
                                                                           "--type", "snapshot", "--size", "67108864b",
                                                                           "--virtualsize", "1073741824b", "vg"});
  CHECK(create_thin_argv("vg", "v", gibibytes(1), "pool") ==
        Argv{"lvm", "lvcreate", "--yes", "--name", "v", "--wipesignatures", "n", "--type", "thin", "--virtualsize",
             "1073741824b", "--thinpool", "pool", "vg"});
}

TEST_CASE("what changes a volume asks no questions") {
  CHECK(rename_argv("vg", "a", "b") == Argv{"lvm", "lvrename", "--yes", "vg", "a", "b"});
  CHECK(extend_argv("vg", "v", Bytes{8192}) == Argv{"lvm", "lvextend", "--yes", "--size", "8192b", "vg/v"});
  CHECK(remove_argv("vg", "v") == Argv{"lvm", "lvremove", "--yes", "--force", "vg/v"});
  CHECK(add_tag_argv("vg", "v", "t=1") == Argv{"lvm", "lvchange", "--yes", "--addtag", "t=1", "vg/v"});
  CHECK(remove_tag_argv("vg", "v", "t=1") == Argv{"lvm", "lvchange", "--yes", "--deltag", "t=1", "vg/v"});
}

TEST_CASE("sizes are told in whole sectors, which LVM demands") {
  CHECK(create_linear_argv("vg", "v", Bytes{1}) == create_linear_argv("vg", "v", Bytes{512}));
  CHECK(create_linear_argv("vg", "v", Bytes{513}) == create_linear_argv("vg", "v", Bytes{1024}));
  CHECK(create_sparse_argv("vg", "v", mebibytes(1), Bytes{67721552}) ==
        create_sparse_argv("vg", "v", mebibytes(1), Bytes{67721728}));
}

TEST_CASE("a sparse volume's store has room for what will be written, its tables, and 64 MiB as Nova's") {
  CHECK(store_size(Bytes{0}) == mebibytes(64));
  CHECK(store_size(Bytes{1}) == mebibytes(64) + Bytes{4096 + 16});
  CHECK(store_size(gibibytes(1)) == mebibytes(64) + gibibytes(1) + mebibytes(4));
}
