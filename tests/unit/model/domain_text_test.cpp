#include "agent/model/domain_text.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/base/error.hpp"
#include "agent/model/instance_spec.hpp"

using namespace basecache;
using namespace basecache::model;

namespace {

const std::string kUuid = "4e3f6d0c-5d3a-4b0e-9a53-2f6d1c7b8a90";

// Why it is refused; "" when it isn't.
std::string refusal(const std::string& text) {
  try {
    check_domain_text(text, InstanceId::parse(kUuid, "uuid"), "libvirt_xml");
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_request);
    CHECK(error.message().starts_with("libvirt_xml "));
    return error.message().substr(std::string("libvirt_xml ").size());
  }
}

}  // namespace

TEST_CASE("any domain of that instance is taken, or one that names no instance") {
  const std::vector<std::string> texts = {
      "<domain/>",
      "<?xml version='1.0'?>\n<!-- mine -->\n<domain type='kvm'></domain>\n",
      "<domain><uuid>" + kUuid + "</uuid></domain>",
      "<domain><uuid>\n  4E3F6D0C5D3A4B0E9A532F6D1C7B8A90\n</uuid></domain>",
      "<domain><name>\xc3\xa4</name></domain>",
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(refusal(text) == "");
  }
}

TEST_CASE("what is no XML, no domain or another instance's is refused") {
  CHECK(refusal("") == "is not XML: No document element found at byte 0");
  CHECK(refusal("domain").starts_with("is not XML: "));
  CHECK(refusal("<domain><name>vm</domain>").starts_with("is not XML: Start-end tags mismatch at byte "));
  CHECK(refusal("<domain") != "");
  CHECK(refusal("<network/>") == "has the root element 'network', not 'domain'");
  CHECK(refusal("<!-- <domain/> -->") != "");
  CHECK(refusal("<domain><uuid>00000000-5d3a-4b0e-9a53-2f6d1c7b8a90</uuid></domain>") ==
        "has the uuid of another instance");
}

TEST_CASE("nothing hides behind a NUL") {
  CHECK(refusal(std::string("<domain/>\0<", 11)) == "has control characters in it");
  CHECK(refusal("<domain>\x1b</domain>") == "has control characters in it");
}

TEST_CASE("a refusal shows nothing of the text but its root element") {
  CHECK(refusal("<domain><graphics passwd='secret'></domain>").find("secret") == std::string::npos);
}

TEST_CASE("what libvirt might read in another way is refused") {
  CHECK(refusal("<!DOCTYPE domain [<!ENTITY a 'aaaa'>]><domain><name>&a;</name></domain>") ==
        "has a document type, which a domain needn't");
  CHECK(refusal("<?xml version='1.0' encoding='UTF-7'?><domain/>") == "is in another encoding than UTF-8");
  CHECK(refusal("<?xml version='1.0' encoding='utf-8'?><domain/>") == "");
  const std::string other = "11111111-5d3a-4b0e-9a53-2f6d1c7b8a90";
  for (const std::string& uuid : {"-<!-- -->" + other, "-<?x ?>" + other, "<![CDATA[" + other + "]]>",
                                  kUuid + "<!-- -->", std::string("-"), kUuid + "</uuid><uuid>" + other}) {
    CAPTURE(uuid);
    CHECK(refusal("<domain><uuid>" + uuid + "</uuid></domain>") == "has the uuid of another instance");
  }
}
