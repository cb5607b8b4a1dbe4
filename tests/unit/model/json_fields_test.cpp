#include "agent/model/json_fields.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "agent/base/error.hpp"

using namespace basecache;
using namespace basecache::model;
using nlohmann::json;

namespace {

// The message with which `read` refuses the fields of `value`.
template <class Read>
std::string refusal(const json& value, const std::string& path, Read&& read) {
  try {
    JsonFields fields(value, path);
    read(fields);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.fields().at(0).first == "field");
    return error.message();
  }
  return "(taken)";
}

}  // namespace

TEST_CASE("what is no JSON is refused by its place and without a byte of it, for it may be a password") {
  const std::pair<const char*, const char*> texts[] = {{"{\n  \"admin_pass\": \"hunter2\n}", "line 2, column 25"},
                                                       {"{\"admin_pass\": hunter2}", "line 1, column 16"},
                                                       {"{\"admin_pass\": \"hunter2", "line 1, column 24"},
                                                       {"", "line 1, column 1"},
                                                       {"[hunter2", "line 1, column 2"},
                                                       {"[1e999]", "a number that is too large"}};
  for (const auto& row : texts) {
    const auto& text = row.first;
    const auto& place = row.second;
    CAPTURE(text);
    try {
      parse_json(text, "the body");
      FAIL("was taken");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::invalid_request);
      CHECK(error.message().starts_with("the body is not JSON: "));
      CHECK_MESSAGE(error.message().find(place) != std::string::npos, error.message());
      CHECK(error.message().find("hunter") == std::string::npos);
    }
  }
}

TEST_CASE("JSON that nests deeper, or has more values, than any request or answer is refused") {
  const auto list = [](int values) {
    std::string text = "[0";
    for (int i = 1; i < values; ++i) text += ",0";
    return text + "]";
  };
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  CHECK_NOTHROW(parse_json(nested(64), "it"));
  CHECK_THROWS_AS(parse_json(nested(66), "it"), Error);
  CHECK_THROWS_AS(parse_json(std::string(3'000'000, '['), "it"), Error);
  CHECK_NOTHROW(parse_json(list(400'000), "it"));
  CHECK_THROWS_AS(parse_json(list(600'000), "it"), Error);
}

TEST_CASE("each kind of field is read") {
  const json value = {{"name", "a"}, {"count", 7}, {"flag", true}, {"part", {{"x", 1}}}, {"list", {1}}};
  JsonFields fields(value, "");
  CHECK(fields.text("name", 10) == "a");
  CHECK(fields.required_text("name", 10) == "a");
  CHECK(fields.number("count", 7) == 7);
  CHECK(fields.boolean("flag") == true);
  CHECK(fields.object("part")->at("x") == 1);
  CHECK(fields.array("list", 1)->size() == 1);
  CHECK_NOTHROW(fields.finish());
}

TEST_CASE("absent fields and null are the same") {
  for (const json& value : {json::object(), json{{"x", nullptr}}}) {
    CAPTURE(value.dump());
    JsonFields fields(value, "");
    CHECK_FALSE(fields.text("x", 10).has_value());
    CHECK_FALSE(fields.number("x", 10).has_value());
    CHECK_FALSE(fields.boolean("x").has_value());
    CHECK(fields.object("x") == nullptr);
    CHECK(fields.array("x", 1) == nullptr);
    CHECK_NOTHROW(fields.finish());
  }
}

TEST_CASE("false, zero and the empty string are present") {
  const json value = {{"flag", false}, {"count", 0}, {"text", ""}};
  JsonFields fields(value, "");
  CHECK(fields.boolean("flag") == false);
  CHECK(fields.number("count", 10) == 0);
  CHECK(fields.text("text", 10) == "");
}

TEST_CASE("a body that is no object is refused") {
  for (const json& value : {json(), json(1), json("{}"), json::array(), json(true)}) {
    CAPTURE(value.dump());
    CHECK(refusal(value, "", [](JsonFields&) {}) == "the request must be a JSON object");
    CHECK(refusal(value, "flavor", [](JsonFields&) {}) == "flavor must be a JSON object");
  }
}

TEST_CASE("a field of the wrong kind is refused with its whole path") {
  const json value = {{"x", json::array()}};
  const auto refused = [&](auto&& read) { return refusal(value, "a.b[3]", read); };
  CHECK(refused([](JsonFields& fields) { fields.text("x", 10); }) == "a.b[3].x must be a string");
  CHECK(refused([](JsonFields& fields) { fields.boolean("x"); }) == "a.b[3].x must be true or false");
  CHECK(refused([](JsonFields& fields) { fields.object("x"); }) == "a.b[3].x must be a JSON object");
  CHECK(refused([](JsonFields& fields) { fields.number("x", 10); }) ==
        "a.b[3].x must be a whole number from 0 to 10, not '[]'");
  CHECK(refused([](JsonFields& fields) { fields.required_text("y", 10); }) == "a.b[3].y is missing");
  CHECK(refusal({{"x", 1}}, "", [](JsonFields& fields) { fields.array("x", 10); }) == "x must be a list");
}

TEST_CASE("only whole numbers within the range are numbers") {
  for (const char* text : {"-1", "1.0", "1.5", "11", "1e3", "\"5\"", "true", "18446744073709551615",
                           "18446744073709551616", "-9223372036854775808"}) {
    CAPTURE(text);
    const std::string message =
        refusal({{"x", json::parse(text)}}, "", [](JsonFields& fields) { fields.number("x", 10); });
    CHECK(message.starts_with("x must be a whole number from 0 to 10, not "));
  }
  const json edges = {{"zero", 0}, {"most", 10}, {"huge", 18446744073709551615U}};
  JsonFields fields(edges, "");
  CHECK(fields.number("zero", 10) == 0);
  CHECK(fields.number("most", 10) == 10);
  CHECK(fields.number("huge", 18446744073709551615U) == 18446744073709551615U);
}

TEST_CASE("text and lists have a limit that is stated") {
  CHECK(refusal({{"x", "abcd"}}, "", [](JsonFields& fields) { fields.text("x", 3); }) ==
        "x has 4 bytes, at most 3 are allowed");
  CHECK(refusal({{"x", {1, 2}}}, "", [](JsonFields& fields) { fields.array("x", 1); }) ==
        "x has 2 items, at most 1 are allowed");
}

TEST_CASE("an unknown field is refused and the nearest known one is proposed") {
  const json value = {{"root_gd", 1}};
  JsonFields fields(value, "flavor");
  fields.number("root_gb", 10);
  fields.number("swap", 10);
  try {
    fields.finish();
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.message() == "flavor.root_gd is not a known field");
    CHECK(error.hint() == "did you mean 'root_gb'?");
  }
}

TEST_CASE("an unknown field that resembles nothing gets no proposal") {
  const json value = {{"completely_different", 1}};
  JsonFields fields(value, "");
  (void)fields.text("uuid", 100);
  try {
    fields.finish();
    FAIL("was taken");
  } catch (const Error& error) {
    CHECK(error.hint().empty());
  }
}

TEST_CASE("a caller's name of a field reaches no message raw, whatever bytes it has") {
  const std::string message = refusal({{"\x1b[2J\n", 1}}, "", [](JsonFields& fields) { fields.finish(); });
  CHECK(message == "'\\x1b[2J\\x0a' is not a known field");
}

TEST_CASE("the path of a field is spelt from the body's root") {
  const json empty = json::object();
  CHECK(JsonFields(empty, "").path_of("uuid") == "uuid");
  CHECK(JsonFields(empty, "flavor").path_of("swap") == "flavor.swap");
}

TEST_CASE("a whole number that may be below 0 is read within its range") {
  const json value = json::parse(R"({"low":-1,"high":3,"less":-2,"more":4,"huge":18446744073709551615,"part":1.5})");
  JsonFields fields(value, "");
  CHECK(fields.integer("low", -1, 3) == -1);
  CHECK(fields.integer("high", -1, 3) == 3);
  CHECK_FALSE(fields.integer("none", -1, 3).has_value());
  for (const char* name : {"less", "more", "huge", "part"}) {
    CAPTURE(name);
    CHECK(refusal(value, "", [&](JsonFields& of) {
            of.integer(name, -1, 3);
          }).starts_with(std::string(name) + " must be a whole number from -1 to 3, not "));
  }
}
