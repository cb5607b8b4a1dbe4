#include "agent/config.hpp"

#include <doctest/doctest.h>

#include <boost/filesystem/operations.hpp>

#include "agent/base/error.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache {
namespace {

// A node's files. An empty config file stands for the default one, which belongs to the machine the test runs on.
class Node {
 public:
  Node() { config_file(""); }

  Node& config_file(std::string_view text) {
    test::write_file(scratch_ / "agent.conf", text);
    sources.config_file = scratch_ / "agent.conf";
    return *this;
  }
  Node& nova_conf(std::string_view text) {
    test::write_file(scratch_ / "nova.conf", text);
    sources.nova_conf = scratch_ / "nova.conf";
    return *this;
  }

  LoadedConfig load() const { return load_config(sources); }
  Config config() const { return load().config; }
  Error failure() const {
    try {
      load();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
      return error;
    }
    FAIL("loading succeeded");
    return {ErrorCode::internal, ""};
  }
  // How a message names a line of one of the files.
  std::string at(std::string_view file, unsigned line) const {
    return "'" + (scratch_ / file).string() + "':" + std::to_string(line);
  }

  ConfigSources sources;

 private:
  test::ScratchDir scratch_;
};

}  // namespace

TEST_CASE("nothing said, a node has the defaults") {
  const LoadedConfig loaded = Node().load();
  CHECK(loaded.origins.empty());
  CHECK(loaded.config.instances_path == "/var/lib/nova/instances");
  CHECK(loaded.config.images_type == model::ImagesType::qcow2);
  CHECK(loaded.config.workers == 64);
  CHECK(loaded.config.build_concurrency >= 4);
  CHECK(loaded.config.decode_threads >= 1);
  CHECK(loaded.config.copy_concurrency >= 2);
  CHECK(loaded.config.max_image_bytes == gibibytes(1024));
}

TEST_CASE("every kind of value arrives in its member") {
  const Config config =
      Node()
          .config_file(
              "[DEFAULT]\npreallocate_images = space\nforce_raw_images = no\n"
              "[image_cache]\nremove_unused_original_minimum_age_seconds = 60\n"
              "[glance]\nnum_retries = 0\n"
              "[libvirt]\nvirt_type = lxc\n"
              "[basecache]\nsocket_mode = 0600\nallowed_uids = 0, 162\nworkers = 7\n"
              "disk_owner = libvirt-qemu:64055\ndisk_mode = 0640\n"
              "file_url_directories = /a,\n  /b\nurl_hosts = ::1, store.internal\n"
              "max_image_bytes = 5GiB\nmax_virtual_size = 2TiB\nsandbox = required\nlog_level = debug\n")
          .config();
  CHECK(config.preallocate_images == PreallocateImages::space);
  CHECK_FALSE(config.force_raw_images);
  CHECK(config.remove_unused_original_minimum_age == std::chrono::minutes(1));
  CHECK(config.glance.num_retries == 0);
  CHECK(config.socket_mode == 0600);
  CHECK(config.virt_type == model::VirtType::lxc);
  CHECK(config.disk_owner == "libvirt-qemu:64055");
  CHECK(config.disk_mode == 0640);
  CHECK(config.allowed_uids == std::vector<uid_t>{0, 162});
  CHECK(config.workers == 7);
  CHECK(config.file_url_directories == std::vector<Path>{"/a", "/b"});
  CHECK(config.url_hosts == std::vector<std::string>{"::1", "store.internal"});
  CHECK(config.max_image_bytes == gibibytes(5));
  CHECK(config.max_virtual_size == gibibytes(2048));
  CHECK(config.sandbox == SandboxNeed::required);
  CHECK(config.log_level == LogLevel::debug);
}

TEST_CASE("an owner is a user, or a user and a group") {
  for (const std::string owner : {":kvm", "nova:", "nova:kvm:x", "a b", "nova:k/m"}) {
    CAPTURE(owner);
    const Error error = Node().config_file("[basecache]\ndisk_owner = " + owner + "\n").failure();
    CHECK(error.message().find("disk_owner") != std::string::npos);
  }
  CHECK(Node().config_file("[basecache]\ndisk_owner =\n").config().disk_owner.empty());
}

TEST_CASE("what nova.conf says of the image service and of Keystone is taken as it is") {
  const Config config = Node()
                            .nova_conf(
                                "[glance]\napi_servers = image.example:9292, https://b.example\nregion_name = r1\n"
                                "valid_interfaces = admin, public\nallowed_direct_url_schemes = file,swift+https\n"
                                "default_trusted_certificate_ids = 0C1D2E3F-0000-4000-8000-00000000000A\n"
                                "connect_retries = 7\n"
                                "[keystone_authtoken]\nwww_authenticate_uri = http://k/\nauth_url = http://k:5000\n"
                                "auth_type = password\nusername = nova\npassword = p=a;s#s\n"
                                "project_name = service\nproject_domain_name = Default\nuser_domain_name = Default\n")
                            .config();
  CHECK(config.glance.api_servers == std::vector<std::string>{"http://image.example:9292", "https://b.example"});
  CHECK(config.glance.valid_interfaces == std::vector<std::string>{"admin", "public"});
  CHECK(config.glance.allowed_direct_url_schemes == std::vector<std::string>{"file", "swift+https"});
  CHECK(config.glance.default_trusted_certificate_ids ==
        std::vector<std::string>{"0c1d2e3f-0000-4000-8000-00000000000a"});
  CHECK(config.identity.at("auth_url").reveal() == "http://k:5000");
  CHECK(config.identity.at("password").reveal() == "p=a;s#s");
  CHECK(config.identity.at("project_domain_name").reveal() == "Default");
}

TEST_CASE("the list of images made ahead holds refs and absolute paths, and an error names what is neither") {
  const Config config =
      Node().config_file("[basecache]\nprecache = http://mirror/a,\n  /etc/basecache/images\n").config();
  CHECK(config.precache == std::vector<std::string>{"http://mirror/a", "/etc/basecache/images"});
  const Error error = Node().config_file("[basecache]\nprecache = /ok, ftp://u:CANARY@mirror/b\n").failure();
  CHECK(error.message().find("precache") != std::string::npos);
  CHECK(error.message().find("ftp://***@mirror/b") != std::string::npos);
  CHECK(error.message().find("CANARY") == std::string::npos);
}

TEST_CASE("secrets are used and never shown") {
  Node node;
  node.config_file(
      "[keystone_authtoken]\npassword = CANARY\nusername = nova\nauth_url = http://u:CANARY@k/v3\n"
      "[glance]\napi_servers = http://a, http://u:CANARY@b\n");
  const std::string shown = to_text(node.load());
  CHECK(shown.find("username = nova\n") != std::string::npos);
  CHECK(shown.find("auth_url = http://***@k/v3\n") != std::string::npos);
  CHECK(shown.find("api_servers = http://a, http://***@b\n") != std::string::npos);
  CHECK(shown.find("# password is set, and not shown\n") != std::string::npos);
  CHECK(shown.find("CANARY") == std::string::npos);
  const Error error = Node().config_file("[keystone_authtoken]\npassword = CANARY\001\n").failure();
  CHECK(error.message().find("CANARY") == std::string::npos);
}

TEST_CASE("the command line wins over the config file, which wins over nova.conf") {
  Node node;
  node.nova_conf("[DEFAULT]\ninstances_path = /nova\nforce_raw_images = false\n[glance]\nnum_retries = 9\n");
  node.config_file("[DEFAULT]\ninstances_path = /file\n[glance]\nnum_retries = 8\n");
  node.sources.instances_path = "/argument";
  const LoadedConfig loaded = node.load();
  CHECK(loaded.config.instances_path == "/argument");
  CHECK(loaded.config.glance.num_retries == 8);
  CHECK_FALSE(loaded.config.force_raw_images);
  CHECK(loaded.origins == std::map<std::string, std::string>{
                              {"DEFAULT.instances_path", "command line"},
                              {"DEFAULT.force_raw_images", node.at("nova.conf", 3)},
                              {"glance.num_retries", node.at("agent.conf", 4)},
                          });
}

TEST_CASE("a path of the command line is relative to the current directory") {
  Node node;
  node.sources.socket = "run/../agent.sock";
  CHECK(node.config().socket == boost::filesystem::current_path() / "agent.sock");
  node.sources.socket = "";
  CHECK(node.failure().message() == "command line: [basecache] socket: '' isn't an absolute path");
}

TEST_CASE("images_type default asks use_cow_images, whichever file has said it") {
  CHECK(Node().config_file("[DEFAULT]\nuse_cow_images = false\n").config().images_type == model::ImagesType::raw);
  CHECK(Node()
            .nova_conf("[libvirt]\nimages_type = default\n")
            .config_file("[DEFAULT]\nuse_cow_images = false\n")
            .config()
            .images_type == model::ImagesType::raw);
  CHECK(
      Node().config_file("[libvirt]\nimages_type = qcow2\n[DEFAULT]\nuse_cow_images = false\n").config().images_type ==
      model::ImagesType::qcow2);
  CHECK(Node().config_file("[libvirt]\nimages_type = flat\n").config().images_type == model::ImagesType::raw);
}

TEST_CASE("of duplicates the last one holds") {
  CHECK(Node().config_file("[glance]\nnum_retries = 1\nnum_retries = 2\n").config().glance.num_retries == 2);
}

TEST_CASE("commands of virt_mkfs add up within a file, as nova.conf has them, and a stronger file has its own") {
  Node node;
  node.nova_conf(
      "[DEFAULT]\nvirt_mkfs = linux=mkfs.ext4 -E nodiscard,x=1 -L %(fs_label)s %(target)s\n"
      "virt_mkfs = default=mkfs.vfat %(target)s\n");
  const Config of_nova = node.config();
  REQUIRE(of_nova.virt_mkfs.size() == 2);
  CHECK(of_nova.virt_mkfs.at("linux")->text() == "mkfs.ext4 -E nodiscard,x=1 -L %(fs_label)s %(target)s");
  CHECK(of_nova.virt_mkfs.at("default")->text() == "mkfs.vfat %(target)s");
  node.config_file("[DEFAULT]\nvirt_mkfs = a=one %(target)s\n  b=two %(target)s\n");
  const Config ours = node.config();
  CHECK(ours.virt_mkfs.size() == 2);
  CHECK(ours.virt_mkfs.contains("b"));
}

TEST_CASE("of two commands for one system the last one holds") {
  Node node;
  node.config_file("[DEFAULT]\nvirt_mkfs = a=one %(target)s\nvirt_mkfs = a=two %(target)s\n");
  CHECK(node.config().virt_mkfs.at("a")->text() == "two %(target)s");
}

TEST_CASE("a command of virt_mkfs goes on on indented lines, as Nova takes it, until the next os_type") {
  Node node;
  node.nova_conf(
      "[DEFAULT]\nvirt_mkfs =\n  linux=mkfs.ext4 -q\n    -E nodiscard,x=1\n    -L %(fs_label)s %(target)s\n"
      "  windows = mkfs.ntfs\n  %(target)s\n");
  const Config config = node.config();
  CHECK(config.virt_mkfs.size() == 2);
  CHECK(config.virt_mkfs.at("linux")->text() == "mkfs.ext4 -q\n-E nodiscard,x=1\n-L %(fs_label)s %(target)s");
  CHECK(config.virt_mkfs.at("windows").has_value());
  Node again;
  CHECK(again.config_file(to_text(node.load())).config().virt_mkfs == config.virt_mkfs);
}

TEST_CASE("an empty virt_mkfs is none at all, and an empty command none for that os_type") {
  CHECK(Node().nova_conf("[DEFAULT]\nvirt_mkfs =\n").config().virt_mkfs.empty());
  Node node;
  node.nova_conf("[DEFAULT]\nvirt_mkfs = linux=\nvirt_mkfs = default=mkfs.vfat %(target)s\n");
  const Config config = node.config();
  CHECK_FALSE(config.virt_mkfs.at("linux").has_value());
  CHECK(config.virt_mkfs.at("default").has_value());
  Node again;
  CHECK(again.config_file(to_text(node.load())).config().virt_mkfs == config.virt_mkfs);
}

TEST_CASE("an option that doesn't exist is an error that names the nearest one") {
  Node node;
  const Error slip = node.config_file("[basecache]\n\nworker = 3\n").failure();
  CHECK(slip.message() == node.at("agent.conf", 3) + ": there is no option 'worker' in section 'basecache'");
  CHECK(slip.hint() == "did you mean [basecache] workers?");
  CHECK(node.config_file("[DEFAULT]\nnum_retries = 3\n").failure().hint() == "it stands in [glance]");
  CHECK(node.config_file("[DEFAULT]\ncompletely_else = 3\n").failure().hint() ==
        "basecached --show-config lists every option");
}

TEST_CASE("nova.conf may hold what isn't ours") {
  CHECK(Node()
            .nova_conf("[DEFAULT]\ncompute_driver = libvirt.LibvirtDriver\n[glance]\nnum_retries = 5\n"
                       "[neutron]\nurl = http://x/%(tenant)s\n")
            .config()
            .glance.num_retries == 5);
}

TEST_CASE("a bad value is an error that says where, what and what would be right") {
  Node node;
  const Error error = node.nova_conf("[libvirt]\nimages_type = rbd\n").failure();
  CHECK(error.message() ==
        node.at("nova.conf", 2) + ": [libvirt] images_type: 'rbd' isn't one of raw, flat, qcow2, lvm, default");
  CHECK(error.hint() == "its default is 'default'");
}

TEST_CASE("every option refuses values that make no sense") {
  for (const char* text : {"[DEFAULT]\npreallocate_images = all",
                           "[DEFAULT]\ninstances_path = instances",
                           "[DEFAULT]\ndefault_ephemeral_format = ext4 -O",
                           "[DEFAULT]\ndefault_ephemeral_format = swap",
                           "[DEFAULT]\nvirt_mkfs = mkfs.ext4",
                           "[DEFAULT]\nvirt_mkfs = linux=mkfs.ext4",
                           "[DEFAULT]\nvirt_mkfs = =mkfs.ext4 %(target)s",
                           "[DEFAULT]\nvirt_mkfs = linux=mkfs.ext4 %d %(target)s",
                           "[image_cache]\nsubdirectory_name = ../_base",
                           "[glance]\nnum_retries = -1",
                           "[basecache]\nworkers = 0",
                           "[basecache]\nworkers = many",
                           "[basecache]\nallowed_uids = root",
                           "[basecache]\nallowed_uids = 4294967295",
                           "[basecache]\nfile_url_directories = /a, b",
                           "[basecache]\nurl_hosts = http://a",
                           "[basecache]\nurl_hosts = a:80",
                           "[libvirt]\nimages_volume_group = -vg",
                           "[libvirt]\nvolume_clear = wipe",
                           "[libvirt]\nvolume_clear_size = -1",
                           "[ephemeral_storage_encryption]\nkey_size = 128",
                           "[basecache]\nlvm_thin_pool = vg/pool",
                           "[basecache]\nrequest_deadline = 0",
                           "[basecache]\nlog_level = trace"}) {
    CAPTURE(text);
    CHECK(Node().config_file(text).failure().message().find(":2: [") != std::string::npos);
  }
}

TEST_CASE("a bad value is told even where it is overridden") {
  Node node;
  node.nova_conf("[glance]\nnum_retries = many\n").config_file("[glance]\nnum_retries = 3\n");
  CHECK(node.failure().message().find("nova.conf") != std::string::npos);
}

TEST_CASE("a named file that doesn't exist is an error") {
  Node node;
  node.sources.config_file = "/nonexistent/agent.conf";
  CHECK(node.failure().message().find("'/nonexistent/agent.conf'") != std::string::npos);
}

TEST_CASE("what is shown says where each value came from") {
  Node node;
  node.config_file("[glance]\nnum_retries = 8\n");
  const std::string text = to_text(node.load());
  CHECK(text.find("# from " + node.at("agent.conf", 2) + "\nnum_retries = 8\n") != std::string::npos);
  CHECK(text.find("\n# default\ninstances_path = /var/lib/nova/instances\n") != std::string::npos);
}

TEST_CASE("what is shown is a config file that says the same") {
  Node node;
  node.config_file(
      "[DEFAULT]\nvirt_mkfs = a=one %(target)s\nvirt_mkfs = b=two %(target)s\n"
      "[basecache]\nallowed_uids = 1, 2\nfile_url_directories = /a, /b\nlog_level = error\n");
  const std::string text = to_text(node.load());
  LoadedConfig again = node.config_file(text).load();
  again.origins = {};
  const std::string plain = to_text(again);
  CHECK(plain.find("virt_mkfs = a=one %(target)s\n  b=two %(target)s\n") != std::string::npos);
  CHECK(plain.find("allowed_uids = 1, 2\n") != std::string::npos);
  CHECK(plain.find("file_url_directories = /a, /b\n") != std::string::npos);
  CHECK(plain.find("log_level = error\n") != std::string::npos);
}

}  // namespace basecache
