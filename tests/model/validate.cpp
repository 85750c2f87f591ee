#include "actors/model/validate.hpp"

#include <catch2/catch.hpp>

using namespace footfall;
using namespace footfall::model;

namespace {

click_event good() {
  click_event x;
  x.event_id = "e1";
  x.user_id = "u1";
  x.event_type = "click";
  x.page_url = "/p";
  return x;
}

std::string refused_field(click_event x) {
  return validate(x).field;
}

} // namespace

TEST_CASE("validate accepts an event and fills in the site alone", "[model][validate]") {
  auto x = good();
  x.event_id.clear();
  CHECK_FALSE(validate(x));
  CHECK(x.site_id == "default");
  CHECK(x.event_id.empty());
  CHECK(x.at_us == unset_time);
}

TEST_CASE("validate knows the limit of each field to the byte", "[model][validate]") {
  struct row {
    std::string click_event::*field;
    const char* name;
    size_t most;
  };
  const row rows[] = {{&click_event::event_id, "event_id", 64},
                      {&click_event::user_id, "user_id", 256},
                      {&click_event::event_type, "event_type", 64},
                      {&click_event::page_url, "page_url", 2048},
                      {&click_event::site_id, "site_id", 64}};
  for (const auto& r : rows) {
    INFO(r.name);
    auto x = good();
    x.*r.field = std::string(r.most, 'a');
    CHECK(refused_field(x) == "");
    x.*r.field += 'a';
    CHECK(refused_field(x) == r.name);
    x.*r.field = std::string("a\0b", 3);
    CHECK(refused_field(x) == r.name);
    x.*r.field = "a\xff";
    CHECK(refused_field(x) == r.name);
  }
}

TEST_CASE("validate asks for user, type and page", "[model][validate]") {
  auto x = good();
  x.user_id.clear();
  CHECK(refused_field(x) == "user_id");
  x = good();
  x.event_type.clear();
  CHECK(refused_field(x) == "event_type");
  x = good();
  x.page_url.clear();
  CHECK(refused_field(x) == "page_url");
}

TEST_CASE("validate refuses times that no click has", "[model][validate]") {
  auto x = good();
  x.at_us = limits::first_at_us;
  CHECK(refused_field(x) == "");
  x.at_us = limits::first_at_us - 1;
  CHECK(refused_field(x) == "time_stamp");
  x.at_us = limits::last_at_us - 1;
  CHECK(refused_field(x) == "");
  x.at_us = limits::last_at_us;
  CHECK(refused_field(x) == "time_stamp");
}

TEST_CASE("a site is a plain word", "[model][validate]") {
  CHECK_FALSE(validate_site_id("Shop_1.example-com"));
  for (auto text : {"", "a b", "a/b", "\xC3\xA9", "a\nb", "a%"}) {
    INFO(text);
    CHECK(validate_site_id(text));
  }
}

TEST_CASE("text that databases refuse is not storable", "[model][validate]") {
  CHECK(is_storable_text("caf\xC3\xA9 \xF0\x9F\x98\x80"));
  CHECK_FALSE(is_storable_text("\xED\xA0\x80"));     // a surrogate
  CHECK_FALSE(is_storable_text("\xC0\xAF"));         // an overlong slash
  CHECK_FALSE(is_storable_text("\xF4\x90\x80\x80")); // beyond U+10FFFF
  CHECK_FALSE(is_storable_text("\xC3"));             // cut off
  CHECK_FALSE(is_storable_text(std::string_view("\0", 1)));
}
