#include "agent/api/routes.hpp"

#include <doctest/doctest.h>

#include <array>
#include <nlohmann/json.hpp>

#include "tests/unit/api/api_node.hpp"

using namespace basecache;
using namespace basecache::api;
using namespace basecache::test;
using nlohmann::json;

namespace {

const std::string kKey = model::CacheKey::for_image(kImageUrl).text();

// What the task of a request answers, run here and now.
json answer(const ApiNode& node, const std::string& method, const std::string& target, const std::string& body = "") {
  OpContext op = test_operation();
  const Task task = node.routes.task({method, target, body});
  if (task.at_first) task.at_first(0);
  return task.work(op);
}

Error refusal(const ApiNode& node, const std::string& method, const std::string& target, const std::string& body = "") {
  try {
    answer(node, method, target, body);
  } catch (const Error& error) {
    return error;
  }
  FAIL(method << " " << target << " was answered");
  return {ErrorCode::internal, ""};
}

}  // namespace

TEST_CASE("an unknown path is not found") {
  const ApiNode node;
  for (const char* target : {"", "/", "/v1", "/v1/", "/v2/health", "/v1/health/", "//v1/health", "/v1/health?x=1",
                             "/v1/cache/a/b", "/v1/Health", "/v1/%68ealth", "/../v1/health"}) {
    CAPTURE(target);
    const Error error = refusal(node, "GET", target);
    CHECK(error.code() == ErrorCode::not_found);
    CHECK_FALSE(error.hint().empty());
  }
}

TEST_CASE("a method that a path doesn't have is refused, and those that it has are named") {
  const ApiNode node;
  const Error error = refusal(node, "PATCH", "/v1/instances/" + kInstance);
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(error.message() == "'PATCH' is not a method of '/v1/instances/" + kInstance + "'");
  CHECK(error.hint() == "it has GET, DELETE");
  CHECK(refusal(node, "get", "/v1/health").code() == ErrorCode::invalid_request);
}

TEST_CASE("a path reaches an error with nothing in it that could be secret or harmful") {
  const ApiNode node;
  const std::string message = refusal(node, "GET", "/v1/\x1b[2J?token=hidden").message();
  CHECK(message.find("hidden") == std::string::npos);
  CHECK(message.find('\x1b') == std::string::npos);
}

TEST_CASE("health and version answer at once") {
  const ApiNode node;
  CHECK(answer(node, "GET", "/v1/health") == json{{"status", "ok"}});
  CHECK(answer(node, "GET", "/v1/version").at("api") == "v1");
  CHECK_FALSE(node.routes.task({"GET", "/v1/health", ""}).is_long);
}

TEST_CASE("names in the path are checked before anything is done") {
  const ApiNode node;
  for (const char* target :
       {"/v1/instances/..", "/v1/instances/", "/v1/instances/9A2D629D-0000-4000-8000-000000000001"}) {
    CAPTURE(target);
    const Error error = refusal(node, "GET", target);
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message().starts_with("uuid "));
  }
  for (const char* target : {"/v1/cache/..", "/v1/cache/", "/v1/cache/notes.txt", "/v1/cache/%2e%2e"}) {
    CAPTURE(target);
    const Error error = refusal(node, "DELETE", target);
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message().starts_with("key "));
  }
}

TEST_CASE("an instance is created, shown and removed") {
  const ApiNode node;
  const std::string body =
      R"({"image_ref":"http://registry.example/image","flavor":{"root_gb":1},"config_drive":true})";
  const Task task = node.routes.task({"POST", "/v1/instances/" + kInstance + "/disks", body});
  CHECK(task.is_long);
  CHECK(task.subject.kind == "create");
  CHECK(task.subject.name == kInstance);
  OpContext op = test_operation();
  const json made = task.work(op);
  CHECK(made.at("uuid") == kInstance);
  CHECK(made.at("disks").at(0).at("base") == kKey);
  CHECK(made.at("disks").at(1).at("name") == "disk.config");
  CHECK(made.contains("steps"));
  CHECK(made.at("seconds").get<double>() >= 0);

  const json shown = answer(node, "GET", "/v1/instances/" + kInstance);
  CHECK(shown.at("disks").size() == 2);
  CHECK_FALSE(shown.contains("seconds"));

  CHECK(node.routes.task({"DELETE", "/v1/instances/" + kInstance, ""}).is_long);
  CHECK(answer(node, "DELETE", "/v1/instances/" + kInstance) == json{{"uuid", kInstance}, {"removed", true}});
  CHECK(refusal(node, "GET", "/v1/instances/" + kInstance).code() == ErrorCode::not_found);
}

TEST_CASE("the disks of a rescue are removed by their suffix, and nothing else is") {
  const ApiNode node;
  OpContext op = test_operation();
  const std::string target = "/v1/instances/" + kInstance;
  const auto create = [&](const std::string& suffix) {
    const std::string body = R"({"image_ref":"http://registry.example/image","suffix":")" + suffix + R"("})";
    (void)node.routes.task({"POST", target + "/disks", body}).work(op);
  };
  create("");
  create(".rescue");
  CHECK(answer(node, "DELETE", target + "?suffix=.rescue") ==
        json{{"uuid", kInstance}, {"suffix", ".rescue"}, {"disks", {"disk.rescue"}}, {"removed", true}});
  CHECK(answer(node, "GET", target).at("disks").size() == 1);
  CHECK(refusal(node, "DELETE", target + "?suffix=.rescue").code() == ErrorCode::not_found);
}

TEST_CASE("a query that isn't whole removes nothing") {
  const ApiNode node;
  const std::string target = "/v1/instances/" + kInstance;
  for (const char* query : {"?suffix=", "?suffix=.resize", "?suffix=.rescue&x=1", "?suffix=%2erescue", "?", "?x=1",
                            "?suffix", "?suffix=/.."}) {
    CAPTURE(query);
    const Error error = refusal(node, "DELETE", target + query);
    CHECK((error.code() == ErrorCode::invalid_request || error.code() == ErrorCode::not_found));
  }
  CHECK(refusal(node, "GET", target + "?suffix=.rescue").code() == ErrorCode::invalid_request);
}

TEST_CASE("the uuid in a body must be the one in the path") {
  const ApiNode node;
  const std::string target = "/v1/instances/" + kInstance + "/disks";
  const Error error = refusal(node, "POST", target, R"({"uuid":"9a2d629d-0000-4000-8000-000000000002"})");
  CHECK(error.code() == ErrorCode::invalid_request);
  CHECK(error.message().starts_with("uuid is another one"));
  CHECK(refusal(node, "POST", target, R"({"uuid":7})").code() == ErrorCode::invalid_request);
  CHECK_NOTHROW(node.routes.task({"POST", target, R"({"uuid":")" + kInstance + R"("})"}));
}

TEST_CASE("a wrong body is refused before there is a task") {
  const ApiNode node;
  const std::string create = "/v1/instances/" + kInstance + "/disks";
  const std::array<std::array<std::string, 3>, 7> rows{{
      {"POST", create, "{"},
      {"POST", create, "[]"},
      {"POST", create, R"({"flavour":{}})"},
      {"POST", "/v1/cache/images", "{}"},
      {"POST", "/v1/cache/prune", R"({"dry_run":1})"},
      {"PUT", "/v1/cache/swap_64/pin", R"({"reason":1})"},
      {"POST", "/v1/cache/swap_64/verify", R"({"bytes_per_second":-1})"},
  }};
  for (const auto& row : rows) {
    const auto& method = row[0];
    const auto& target = row[1];
    const auto& body = row[2];
    CAPTURE(target);
    CAPTURE(body);
    try {
      node.routes.task({method, target, body});
      FAIL_CHECK("became a task");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
    }
  }
}

TEST_CASE("an image is precached, listed, pinned, unpinned and removed") {
  const ApiNode node;
  const Task task = node.routes.task({"POST", "/v1/cache/images", kPrecacheBody});
  CHECK(task.is_long);
  CHECK(task.subject.kind == "precache");
  CHECK(task.subject.name == kImageUrl);
  OpContext op = test_operation();
  const json cached = task.work(op);
  CHECK(cached.at("key") == kKey);
  CHECK(cached.at("how") == "built");
  CHECK(cached.contains("seconds"));

  const json list = answer(node, "GET", "/v1/cache");
  CHECK(list.at("usage_unknown") == json::array());
  CHECK(list.at("entries").at(0).at("key") == kKey);
  CHECK(answer(node, "GET", "/v1/cache/" + kKey).at("origin") == kImageUrl);

  CHECK(answer(node, "PUT", "/v1/cache/" + kKey + "/pin", R"({"reason":"golden"})") ==
        json{{"key", kKey}, {"pin", "golden"}});
  CHECK(answer(node, "GET", "/v1/cache/" + kKey).at("pin") == "golden");
  CHECK(refusal(node, "DELETE", "/v1/cache/" + kKey).code() == ErrorCode::in_use);
  CHECK(answer(node, "DELETE", "/v1/cache/" + kKey + "/pin") == json{{"key", kKey}, {"pin", nullptr}});
  CHECK(refusal(node, "DELETE", "/v1/cache/" + kKey + "/pin").code() == ErrorCode::not_found);

  const json removed = answer(node, "DELETE", "/v1/cache/" + kKey);
  CHECK(removed.at("key") == kKey);
  CHECK(removed.at("freed_bytes").is_number_unsigned());
  CHECK(refusal(node, "GET", "/v1/cache/" + kKey).code() == ErrorCode::not_found);
}

TEST_CASE("a base file is verified, and one that went to quarantine is listed") {
  ApiNode node;
  answer(node, "POST", "/v1/cache/images", kPrecacheBody);
  const Task task = node.routes.task({"POST", "/v1/cache/" + kKey + "/verify", "{}"});
  CHECK(task.is_long);
  CHECK(task.subject.kind == "verify");
  CHECK(task.subject.name == kKey);
  OpContext op = test_operation();
  CHECK(task.work(op).at("state") == "verified");
  CHECK(answer(node, "GET", "/v1/cache").at("quarantine") == json::array());

  const auto key = model::CacheKey::for_image(kImageUrl);
  node.quarantine.condemn(key, {.reason = "rotten"});
  CHECK_FALSE(node.quarantine.isolate(key, test_operation()));
  CHECK(answer(node, "GET", "/v1/cache").at("quarantine").at(0).at("reason") == "rotten");
  CHECK(refusal(node, "POST", "/v1/cache/" + kKey + "/verify").code() == ErrorCode::not_found);
}

TEST_CASE("credentials in an image's URL are not the subject of its operation") {
  const ApiNode node;
  const Task task =
      node.routes.task({"POST", "/v1/cache/images", R"({"image_ref":"http://user:secret@host.example/a"})"});
  CHECK(task.subject.name.find("secret") == std::string::npos);
}

TEST_CASE("a dry prune says what it would do") {
  const ApiNode node;
  answer(node, "POST", "/v1/cache/images", kPrecacheBody);
  const Task task = node.routes.task({"POST", "/v1/cache/prune", R"({"dry_run":true})"});
  CHECK(task.is_long);
  OpContext op = test_operation();
  const json report = task.work(op);
  CHECK(report.at("dry_run") == true);
  CHECK(report.at("kept") == 1);
  CHECK(report.at("decisions").at(0).at("name") == kKey);
  CHECK(answer(node, "POST", "/v1/cache/prune").at("dry_run") == false);
}

TEST_CASE("operations are listed, shown and cancelled") {
  ApiNode node;
  CHECK(answer(node, "GET", "/v1/operations") == json{{"operations", json::array()}});
  node.source.gate.close();
  const Task task = node.routes.task({"POST", "/v1/cache/images", kPrecacheBody});
  const auto operation = node.operations.start(task.subject, task.work);
  node.source.gate.wait_for_arrivals(1);
  CHECK(answer(node, "GET", "/v1/operations").at("operations").at(0).at("subject") == kImageUrl);
  CHECK(answer(node, "GET", "/v1/operations/" + operation->id()).at("kind") == "precache");
  CHECK(answer(node, "DELETE", "/v1/operations/" + operation->id()).at("id") == operation->id());
  CHECK(refusal(node, "GET", "/v1/operations/unknown").code() == ErrorCode::not_found);
  CHECK(refusal(node, "DELETE", "/v1/operations/unknown").code() == ErrorCode::not_found);
}

TEST_CASE("a domain is held before its disks are made, and until it is let go") {
  const ApiNode node;
  const std::string path = "/v1/domains/" + kInstance;
  const json body = {{"name", "web01"},
                     {"files", {{{"path", "/nowhere/else.img"}, {"format", "raw"}, {"role", "disk vdb"}}}},
                     {"request", {{"image_ref", kImageUrl}}}};
  const Task task = node.routes.task({"POST", path + "/prepare", body.dump()});
  CHECK(task.is_long);
  CHECK(task.subject.kind == "prepare");
  CHECK(task.subject.name == kInstance);
  CHECK(task.subject.is_shared);
  CHECK(task.subject.is_for_hook);
  REQUIRE(task.at_first);
  task.at_first(0);
  CHECK(node.domain_leases.all().size() == 1);
  OpContext op = test_operation();
  const json made = task.work(op);
  CHECK(made.at("disks").at(0).at("name") == "disk");
  CHECK(made.at("notes").at(0).get<std::string>().starts_with("disk vdb: '/nowhere/else.img' isn't there"));
  for (const char* end : {"/release", "/stopped"}) {
    CHECK(answer(node, "POST", path + end, R"({"name": "web01", "files": []})") ==
          json{{"uuid", kInstance}, {"leased", false}});
    CHECK(node.domain_leases.all().empty());
    CHECK(answer(node, "POST", path + "/reconnect", R"({"name": "web01"})").at("leased") == true);
    CHECK(node.domain_leases.all().size() == 1);
  }
  answer(node, "DELETE", "/v1/instances/" + kInstance);
  CHECK(node.domain_leases.all().empty());
}

TEST_CASE("a domain without a request is held, and nothing is made") {
  const ApiNode node;
  CHECK_FALSE(node.routes.task({"POST", "/v1/domains/" + kInstance + "/prepare", "{}"}).is_long);
  CHECK(answer(node, "POST", "/v1/domains/" + kInstance + "/prepare", "{}").at("disks") == json::array());
}

TEST_CASE("only who wants the same disks of an instance joins their making") {
  const ApiNode node;
  const auto wish = [&](const json& request) {
    const json body = {{"request", request}};
    return node.routes.task({"POST", "/v1/domains/" + kInstance + "/prepare", body.dump()}).subject.wish;
  };
  const json request = {{"image_ref", kImageUrl}, {"admin_pass", "secret"}};
  json other = request;
  other["flavor"] = {{"root_gb", 1}};
  CHECK(wish(request) == wish(request));
  CHECK(wish(request) != wish(other));
  CHECK(wish(request).find("secret") == std::string::npos);
}

TEST_CASE("what is prepared beforehand is neither held nor a hook's") {
  const ApiNode node;
  const Task task = node.routes.task({"POST", "/v1/domains/" + kInstance + "/prepare", R"({"beforehand": true})"});
  CHECK(task.subject.is_shared);
  CHECK_FALSE(task.subject.is_for_hook);
  CHECK_FALSE(task.at_first);
}

TEST_CASE("a domain whose disks can't be made is held until libvirt lets go of it") {
  const ApiNode node;
  const json body = {{"request", {{"image_ref", kImageUrl}, {"flavor", {{"root_gb", 0}}}, {"images_type", "raw"}}}};
  const Task task = node.routes.task({"POST", "/v1/domains/" + kInstance + "/prepare", body.dump()});
  task.at_first(0);
  std::stop_source stop;
  stop.request_stop();
  OpContext cancelled("test", stop.get_token(), OpContext::Clock::now() + std::chrono::seconds(60));
  CHECK_THROWS_AS(task.work(cancelled), Cancelled);
  CHECK(node.domain_leases.all().size() == 1);  // maybe another start's by now
}

TEST_CASE("a domain's message is checked as a whole before anything is held") {
  const ApiNode node;
  const std::string prepare = "/v1/domains/" + kInstance + "/prepare";
  for (const char* body :
       {R"({"request": {"uuid": "9a2d629d-0000-4000-8000-000000000002", "image_ref": "http://a/b"}})",
        R"({"files": [{"path": "disk"}]})", R"({"files": [{}]})", R"({"file": []})", "[]",
        R"({"files": [{"path": "/a", "size": 1}]})", R"({"beforehand": 1})"}) {
    CAPTURE(body);
    CHECK(refusal(node, "POST", prepare, body).code() == ErrorCode::invalid_request);
  }
  CHECK(refusal(node, "POST", "/v1/domains/x/release").code() == ErrorCode::invalid_request);
  CHECK(refusal(node, "POST", "/v1/domains/" + kInstance + "/release", R"({"request": {}})").code() ==
        ErrorCode::invalid_request);
  CHECK(node.domain_leases.all().empty());
  CHECK(refusal(node, "POST", prepare, R"({"request": {}})").code() == ErrorCode::invalid_request);  // when it is made
}
