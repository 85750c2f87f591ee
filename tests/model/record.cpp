#include "actors/model/record.hpp"

#include <cstdio>
#include <limits>

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace footfall;
using namespace footfall::model;

namespace {

click_event sample() {
  return {"shop", "e1", "u1", "click", "/p", 1'762'372'800'000'000};
}

log_entry json_entry(std::string text) {
  log_entry x;
  x.value = std::move(text);
  x.format = record_format::json;
  x.time_us = 1'762'372'800'000'000;
  return x;
}

} // namespace

TEST_CASE("murmur2 gives Kafka's own vectors", "[model][record]") {
  // From org.apache.kafka.common.utils.UtilsTest.
  CHECK(static_cast<int32_t>(murmur2("21")) == -973932308);
  CHECK(static_cast<int32_t>(murmur2("foobar")) == -790332482);
  CHECK(static_cast<int32_t>(murmur2("a-little-bit-long-string")) == -985981536);
  CHECK(static_cast<int32_t>(murmur2("a-little-bit-longer-string")) == -1486304829);
  CHECK(static_cast<int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"))
        == -58897971);
  CHECK(static_cast<int32_t>(murmur2("abc")) == 479470107);
}

TEST_CASE("a partition is the hash without its sign", "[model][record]") {
  CHECK(partition_of("21", 4) == ((-973932308 & 0x7fffffff) % 4));
  CHECK(partition_of("abc", 1) == 0);
}

TEST_CASE("the key of a record parts site and page", "[model][record]") {
  CHECK(record_key("default", "/p") == "/p");
  CHECK(record_key("", "/p") == "/p");
  CHECK(record_key("shop", "/p") == std::string("shop\0/p", 7));
}

TEST_CASE("a record is read as it was written", "[model][record]") {
  log_entry entry;
  entry.value = encode_record(sample(), 1'762'372'800'000'077);
  entry.offset = 5;
  event_row row;
  REQUIRE(decode_record(entry, row) == "");
  CHECK(row.offset == 5);
  CHECK(row.site_id == "shop");
  CHECK(row.event_id == "e1");
  CHECK(row.user_id == "u1");
  CHECK(row.event_type == "click");
  CHECK(row.page_url == "/p");
  CHECK(row.at_us == 1'762'372'800'000'000);
  CHECK(row.received_at_us == 1'762'372'800'000'077);
  CHECK_FALSE(row.key_is_id);
}

TEST_CASE("the arrival of a record is read without the rest", "[model][record]") {
  log_entry entry;
  entry.time_us = 1'762'372'900'000'000;
  entry.value = encode_record(sample(), 1'762'372'800'000'077);
  CHECK(arrival_of(entry) == 1'762'372'800'000'077);
  for (size_t n = 0; n < entry.value.size(); ++n) { // Cut anywhere, it has none.
    auto cut = entry;
    cut.value.resize(n);
    CHECK(arrival_of(cut) == entry.time_us);
  }
  entry.value = encode_record(sample(), 0);
  CHECK(arrival_of(entry) == entry.time_us);
  CHECK(arrival_of(json_entry("{}")) == json_entry("{}").time_us);
}

TEST_CASE("a record that is no text leaves no line in the log", "[model][record]") {
  log_entry entry;
  entry.value = std::string("\x0a\x02\xff\xfe", 4);
  std::FILE* said = std::tmpfile();
  const int before = ::dup(2);
  ::dup2(::fileno(said), 2);
  event_row row;
  const auto why = decode_record(entry, row);
  ::dup2(before, 2);
  ::close(before);
  CHECK(why != "");
  std::fseek(said, 0, SEEK_END);
  CHECK(std::ftell(said) == 0);
  std::fclose(said);
}

TEST_CASE("the default site takes no bytes and comes back", "[model][record]") {
  auto event = sample();
  event.site_id = "default";
  log_entry entry;
  entry.value = encode_record(event, 0);
  CHECK(entry.value.find("default") == std::string::npos);
  event_row row;
  REQUIRE(decode_record(entry, row) == "");
  CHECK(row.site_id == "default");
}

TEST_CASE("JSON of other producers is understood", "[model][record]") {
  event_row row;
  REQUIRE(decode_record(json_entry(R"({"event_id":"e1","user_id":"u","event_type":"click",
    "page_url":"/p","time_stamp":"2025-11-05T20:00:00.5Z"})"),
                        row)
          == "");
  CHECK(row.at_us == 1'762'372'800'500'000);
  CHECK(row.site_id == "default");
  REQUIRE(decode_record(json_entry(R"({"event_id":"e1","user_id":"u","event_type":"click",
    "page_url":"/p"})"),
                        row)
          == "");
  CHECK(row.at_us == 1'762'372'800'000'000);
}

TEST_CASE("an arrival that cannot be is the log's time", "[model][record]") {
  log_entry entry;
  entry.time_us = 1'762'372'800'000'000;
  event_row row;
  for (int64_t received : {int64_t{0}, std::numeric_limits<int64_t>::min(), int64_t{-300} << 50,
                           std::numeric_limits<int64_t>::max()}) {
    entry.value = encode_record(sample(), received);
    REQUIRE(decode_record(entry, row) == "");
    CHECK(row.received_at_us == entry.time_us);
  }
  entry.value = encode_record(sample(), entry.time_us + 7);
  REQUIRE(decode_record(entry, row) == "");
  CHECK(row.received_at_us == entry.time_us + 7);
}

TEST_CASE("poison has a reason", "[model][record]") {
  event_row row;
  log_entry entry;
  CHECK(decode_record(entry, row) == "the record is empty");
  entry.value = "\x0a\xff";
  CHECK(decode_record(entry, row) != "");
  entry.value = std::string((32 << 10) + 1, 'x');
  CHECK(decode_record(entry, row).find("32 KiB") != std::string::npos);
  CHECK(decode_record(json_entry("{}"), row).find("event_id") != std::string::npos);
  CHECK(decode_record(json_entry("nonsense"), row) != "");
  auto event = sample();
  event.page_url.clear();
  entry.value = encode_record(event, 0);
  CHECK(decode_record(entry, row).find("page_url") != std::string::npos);
  event = sample();
  event.at_us = unset_time;
  entry.value = encode_record(event, 0);
  CHECK(decode_record(entry, row).find("time_stamp") != std::string::npos);
}

TEST_CASE("a bad event is read again by its bytes alone", "[model][record]") {
  bad_event bad;
  bad.pos = {2, 5};
  bad.time_us = 1'762'372'800'000'000;
  click_event event;
  SECTION("JSON that was taken for something else") {
    bad.raw = "\r\n {\"event_id\":\"e1\",\"user_id\":\"u1\",\"event_type\":\"click\","
              "\"page_url\":\"/p\"}";
    REQUIRE(read_again(bad, event) == "");
    CHECK(event.event_id == "e1");
    CHECK(event.site_id == default_site);
    CHECK(event.user_id == "u1");
    CHECK(event.event_type == "click");
    CHECK(event.page_url == "/p");
    CHECK(event.at_us == bad.time_us);
  }
  SECTION("a ClickEvent") {
    bad.raw = encode_record(sample(), 77);
    REQUIRE(read_again(bad, event) == "");
    CHECK(event.site_id == "shop");
    CHECK(event.event_id == "e1");
    CHECK(event.at_us == sample().at_us);
  }
  SECTION("no event, still") {
    const std::pair<std::string, std::string> table[] = {
        {"", "empty"},
        {"  ", "event_id"},
        {"nonsense", "ClickEvent"},
        {"{", "JSON"},
        {R"({"user_id":"u","event_type":"t","page_url":"/p"})", "event_id"},
        {R"({"event_id":"e","user_id":"","event_type":"t","page_url":"/p"})", "user_id"}};
    for (const auto& [raw, part] : table) {
      bad.raw = raw;
      INFO(raw);
      CHECK_THAT(read_again(bad, event), Catch::Matchers::Contains(part));
    }
  }
}
