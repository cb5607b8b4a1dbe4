// What we ask of the image service, asked of a real one. Run by test_glance_editor.py with the clouds "admin" and
// "demo" (a plain member of another project) in a clouds.yaml, and with REMOTE_IMAGE, the http URL of some bytes.

#include <doctest/doctest.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/uuid/random_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/posix_file.hpp"
#include "backends/glance/image_catalog.hpp"
#include "backends/glance/image_editor.hpp"
#include "backends/glance/image_service.hpp"
#include "backends/glance/image_status.hpp"
#include "backends/glance/image_uploader.hpp"
#include "backends/keystone/environment.hpp"
#include "tests/support/failure.hpp"
#include "tests/support/scratch_dir.hpp"

namespace basecache::glance {
namespace {

using test::code_of;

std::optional<std::string> variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

ImageServiceSettings settings_of(const std::string& cloud) {
  const auto access = keystone::access_from_environment(
      [&](const std::string& name) { return name == "OS_CLOUD" ? cloud : variable(name); },
      [](const Path& path) { return read_small_file(path); });
  return {.auth = access->auth,
          .servers = {},
          .endpoint = {.interfaces = access->interfaces, .region = access->region},
          .client = {}};
}

std::string new_id() { return to_string(boost::uuids::random_generator()()); }

NewImage queued(const std::string& name) { return {.id = new_id(), .name = name, .disk_format = "raw"}; }

// The real Glance as one of its users sees it.
struct RealGlance {
  explicit RealGlance(const std::string& cloud = "admin") : service(http, settings_of(cloud)) {}

  GlanceImage make(const NewImage& image) { return editor.create(image, op).image; }
  GlanceImage import_image(const NewImage& image) {
    test::write_file(scratch / "bytes", "the bytes of an image");
    HashedUpload body(scratch / "bytes", image.name, op);
    return ImageUploader(service.client(), {}).import_image(image, body, op);
  }
  GlanceImage show(const GlanceImage& image) { return catalog.show(image.id, op); }
  std::vector<std::string> list(const ImageFilter& filter) {
    std::vector<std::string> ids;
    for (const GlanceImage& image : catalog.list(filter, op).images) ids.push_back(image.id);
    return ids;
  }

  http::HttpLibrary library;
  http::HttpClient http{library, {}};
  ImageService service;
  ImageEditor editor{service.client()};
  ImageCatalog catalog{service.client()};
  OpContext op = test::test_operation();
  test::ScratchDir scratch;
};

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("the schema tells what may be sent") {
  RealGlance glance;
  const ImageSchema schema = glance.catalog.schema(glance.op);
  for (const char* format : {"raw", "qcow2", "iso"}) {
    CHECK(std::ranges::count(schema.disk_formats(), format) == 1);
  }
  CHECK(std::ranges::count(schema.container_formats(), "bare") == 1);
  CHECK_NOTHROW(schema.check("our_own", "a property"));
  CHECK(code_of([&] { schema.check("disk_format", "floppy"); }) == ErrorCode::invalid_request);
  CHECK(code_of([&] { schema.check("status", "active"); }) == ErrorCode::invalid_request);
}

TEST_CASE("a record is made as it was asked for") {
  RealGlance glance;
  const NewImage wanted{.id = new_id(),
                        .name = "gr\u00fcn & \u201cround\u201d",
                        .disk_format = "qcow2",
                        .visibility = "private",
                        .min_disk = 3,
                        .min_ram = 512,
                        .is_hidden = true,
                        .tags = {"one", "two"},
                        .properties = {{"os_type", "linux"}, {"our/own~", "a=b"}}};
  const GlanceImage made = glance.make(wanted);
  CHECK(is_made_from(wanted, made));
  CHECK(is_made_from(wanted, glance.show(made)));
  CHECK(made.status == "queued");
}

TEST_CASE("an id is given once, and never again") {
  RealGlance glance;
  const NewImage wanted = queued("once");
  CHECK(glance.editor.create(wanted, glance.op).is_ours);
  CHECK_FALSE(glance.editor.create(wanted, glance.op).is_ours);
  NewImage other = wanted;
  other.name = "another";
  CHECK(code_of([&] { glance.make(other); }) == ErrorCode::already_exists);
  glance.editor.remove(wanted.id, glance.op);
  CHECK(code_of([&] { glance.make(wanted); }) == ErrorCode::already_exists);
}

TEST_CASE("properties are added, replaced and removed") {
  RealGlance glance;
  const std::string id = glance.make(queued("patched")).id;
  const auto properties = [&](const ImagePatch& patch) {
    return glance.editor.update(id, patch, glance.op).properties;
  };
  CHECK(properties(ImagePatch().set("colour", "red").set("a/b~c", "odd")).at("a/b~c") == "odd");
  CHECK(properties(ImagePatch().set("colour", "green")).at("colour") == "green");
  CHECK(properties(ImagePatch().remove("colour").remove("a/b~c")).count("colour") == 0);
  CHECK(glance.catalog.show(id, glance.op).properties.count("a/b~c") == 0);
}

TEST_CASE("what every image has is changed by a patch as well") {
  RealGlance glance;
  const std::string id = glance.make(queued("before")).id;
  const ImagePatch patch = ImagePatch()
                               .set("name", "after")
                               .set("min_disk", std::uint64_t{7})
                               .set("protected", true)
                               .set("tags", Texts{"b", "a"});
  for (int times = 0; times < 2; ++times) {
    const GlanceImage image = glance.editor.update(id, patch, glance.op);
    CHECK(image.name == "after");
    CHECK(image.min_disk == 7);
    CHECK(image.is_protected);
    CHECK(sorted(image.tags) == Texts{"a", "b"});
  }
}

TEST_CASE("a patch that Glance doesn't take says why") {
  RealGlance glance;
  const std::string id = glance.make(queued("unpatched")).id;
  const auto refused = [&](const ImagePatch& patch) { (void)glance.editor.update(id, patch, glance.op); };
  CHECK_THROWS_WITH_AS(refused(ImagePatch().remove("nothing")), doctest::Contains("nothing"), Error);
  CHECK_THROWS_WITH_AS(refused(ImagePatch().set("status", "active")), doctest::Contains("read-only"), Error);
  const ImagePatch unknown = ImagePatch().set("disk_format", "floppy");
  CHECK_THROWS_WITH_AS(refused(unknown), doctest::Contains("floppy"), Error);
  CHECK(code_of([&] { refused(unknown); }) == ErrorCode::invalid_request);
}

TEST_CASE("a protected image is deleted when it isn't protected any more, and once") {
  RealGlance glance;
  NewImage wanted = queued("protected");
  wanted.is_protected = true;
  const std::string id = glance.make(wanted).id;
  const auto remove = [&] { glance.editor.remove(id, glance.op); };
  CHECK_THROWS_WITH_AS(remove(), doctest::Contains("protected"), Error);
  CHECK(code_of(remove) == ErrorCode::source_unauthorized);
  glance.editor.update(id, ImagePatch().set("protected", false), glance.op);
  remove();
  CHECK(code_of(remove) == ErrorCode::image_not_found);
  CHECK(code_of([&] { (void)glance.catalog.show(id, glance.op); }) == ErrorCode::image_not_found);
}

TEST_CASE("tags are added and removed") {
  RealGlance glance;
  const GlanceImage image = glance.make(queued("tagged"));
  const auto tags = [&] { return fmt::format("{}", fmt::join(sorted(glance.show(image).tags), ", ")); };
  for (const char* tag : {"plain", "two words", "a+b?c=d&e", "plain"}) glance.editor.add_tag(image.id, tag, glance.op);
  CHECK(tags() == "a+b?c=d&e, plain, two words");
  glance.editor.remove_tag(image.id, "two words", glance.op);
  CHECK(tags() == "a+b?c=d&e, plain");
  CHECK(code_of([&] { glance.editor.remove_tag(image.id, "two words", glance.op); }) == ErrorCode::image_not_found);
  glance.editor.update(image.id, ImagePatch().set("tags", Texts{"gr\u00fcn", "a/b"}), glance.op);
  CHECK(tags() == "a/b, gr\u00fcn");
}

TEST_CASE("an image is shared with a project, which accepts it") {
  RealGlance owner;
  RealGlance member("demo");
  const std::string project = member.make(queued("demo's own")).owner;
  NewImage wanted = queued("shared");
  wanted.visibility = "shared";
  const GlanceImage image = owner.make(wanted);
  const auto offered = [&](const std::string& status) {
    return member.list({.name = "shared", .visibility = "shared", .member_status = status});
  };

  CHECK(code_of([&] { (void)member.show(image); }) == ErrorCode::image_not_found);
  CHECK(owner.catalog.members(image.id, owner.op).empty());
  const ImageMember added = owner.editor.add_member(image.id, project, owner.op);
  CHECK(added.image_id == image.id);
  CHECK(added.member_id == project);
  CHECK(added.status == "pending");
  CHECK(owner.catalog.members(image.id, owner.op) == std::vector{added});
  CHECK(offered("pending") == Texts{image.id});
  CHECK(code_of([&] { owner.editor.add_member(image.id, project, owner.op); }) == ErrorCode::in_use);

  CHECK(member.editor.set_member_status(image.id, project, "accepted", member.op).status == "accepted");
  CHECK(member.show(image).visibility == "shared");
  CHECK(offered("accepted") == Texts{image.id});
  CHECK(offered("pending").empty());

  owner.editor.remove_member(image.id, project, owner.op);
  CHECK(owner.catalog.members(image.id, owner.op).empty());
  CHECK(code_of([&] { (void)member.show(image); }) == ErrorCode::image_not_found);
  CHECK(code_of([&] { owner.editor.remove_member(image.id, project, owner.op); }) == ErrorCode::image_not_found);
}

TEST_CASE("an image of another visibility isn't shared, and that is said") {
  RealGlance glance;
  NewImage wanted = queued("private");
  wanted.visibility = "private";
  const std::string id = glance.make(wanted).id;
  const auto share = [&] { glance.editor.add_member(id, new_id(), glance.op); };
  CHECK_THROWS_WITH_AS(share(), doctest::Contains("Not allowed to create members"), Error);
  CHECK(code_of(share) == ErrorCode::source_unauthorized);
}

TEST_CASE("an image with bytes is deactivated and reactivated, however often it is asked for") {
  RealGlance glance;
  const GlanceImage image = glance.import_image(queued("switched"));
  CHECK(image.status == "active");
  CHECK(image.size == Bytes{21});
  for (int times = 0; times < 2; ++times) glance.editor.deactivate(image.id, glance.op);
  CHECK(glance.show(image).status == "deactivated");
  CHECK(code_of([&] { require_fetchable(glance.show(image)); }) == ErrorCode::source_unauthorized);
  for (int times = 0; times < 2; ++times) glance.editor.reactivate(image.id, glance.op);
  CHECK_NOTHROW(require_fetchable(glance.show(image)));
}

TEST_CASE("another project's image isn't deactivated, nor one without bytes") {
  RealGlance admin;
  RealGlance demo("demo");
  NewImage wanted = queued("everybody's");
  wanted.visibility = "public";
  const GlanceImage image = admin.import_image(wanted);
  CHECK(code_of([&] { demo.editor.deactivate(image.id, demo.op); }) == ErrorCode::source_unauthorized);
  const GlanceImage empty = admin.make(queued("empty"));
  CHECK_THROWS_WITH_AS(admin.editor.deactivate(empty.id, admin.op), doctest::Contains("queued"), Error);
}

TEST_CASE("images are listed by what they are, newest first") {
  RealGlance glance;
  NewImage wanted = queued("gr\u00fcn, \"odd\" & more");
  wanted.tags = {"red", "round"};
  const std::string round = glance.import_image(wanted).id;
  wanted.id = new_id();
  wanted.tags = {"red"};
  wanted.disk_format = "iso";
  wanted.visibility = "public";
  const GlanceImage red = glance.make(wanted);
  const ImageFilter named{.name = wanted.name};
  const auto having = [&](auto&& set) {
    ImageFilter filter = named;
    set(filter);
    return glance.list(filter);
  };
  CHECK(glance.list(named) == Texts{red.id, round});
  CHECK(having([](ImageFilter& filter) { filter.status = "active"; }) == Texts{round});
  CHECK(having([](ImageFilter& filter) { filter.tags = {"red"}; }) == Texts{red.id, round});
  CHECK(having([](ImageFilter& filter) { filter.tags = {"red", "round"}; }) == Texts{round});
  CHECK(having([](ImageFilter& filter) { filter.visibility = "public"; }) == Texts{red.id});
  CHECK(having([&](ImageFilter& filter) { filter.owner = red.owner; }).size() == 2);
  CHECK(having([](ImageFilter& filter) { filter.owner = new_id(); }).empty());
  CHECK(having([](ImageFilter& filter) { filter.disk_format = "iso"; }) == Texts{red.id});
  CHECK(having([](ImageFilter& filter) { filter.container_format = "bare"; }).size() == 2);
  glance.editor.update(red.id, ImagePatch().set("os_hidden", true), glance.op);
  CHECK(glance.list(named) == Texts{round});
  CHECK(having([](ImageFilter& filter) { filter.is_hidden = true; }) == Texts{red.id});
}

TEST_CASE("a list goes on from page to page, to its limit") {
  RealGlance glance;
  Texts made;
  for (int count = 0; count < 25; ++count) made.insert(made.begin(), glance.make(queued("paged")).id);
  ImageFilter filter{.name = "paged"};
  CHECK(sorted(glance.list(filter)) == sorted(made));
  for (const std::size_t limit : {1U, 10U, 13U}) {
    filter.limit = limit;
    CHECK(glance.list(filter).size() == limit);
  }
}

TEST_CASE("a place where the bytes are makes a queued image active") {
  RealGlance glance;
  const GlanceImage image = glance.make(queued("elsewhere"));
  const std::string url = variable("REMOTE_IMAGE").value();
  const GlanceImage located = glance.editor.update(image.id, ImagePatch().add_location(url), glance.op);
  CHECK(located.status == "active");
  REQUIRE(located.locations.size() == 1);
  CHECK(located.locations[0].url == url);
  CHECK(located.size->count > 0);
}

TEST_CASE("a place on Glance's own disk is refused") {
  RealGlance glance;
  const GlanceImage image = glance.make(queued("its own"));
  const ImagePatch patch = ImagePatch().add_location("file:///etc/hostname");
  CHECK(code_of([&] { glance.editor.update(image.id, patch, glance.op); }) == ErrorCode::invalid_request);
}

}  // namespace
}  // namespace basecache::glance
