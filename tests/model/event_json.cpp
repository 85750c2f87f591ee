#include "actors/model/event_json.hpp"

#include <catch2/catch.hpp>

using namespace footfall;
using namespace footfall::model;

namespace {

const std::string tail = R"("user_id":"u","event_type":"click","page_url":"/p"})";

parsed_event parse(std::string_view text) {
  event_json_parser parser;
  return parser.parse_event(text);
}

std::string reason_of(std::string_view text) {
  return parse(text).reason;
}

std::string nested(size_t depth) {
  return R"({"x":)" + std::string(depth - 1, '[') + "0" + std::string(depth - 1, ']') + "," + tail;
}

std::string keys(size_t count) {
  std::string out = "{";
  for (size_t i = 3; i < count; ++i)
    out += "\"k" + std::to_string(i) + "\":0,";
  return out + tail;
}

} // namespace

TEST_CASE("an event of the reference is read field by field", "[model][event_json]") {
  auto x = parse(R"({"event_id":"e","user_id":"u","event_type":"click","page_url":"/p",)"
                 R"("time_stamp":"2025-11-05T20:00:00.500000Z"})");
  REQUIRE(x.reason == "");
  CHECK(x.event.event_id == "e");
  CHECK(x.event.user_id == "u");
  CHECK(x.event.event_type == "click");
  CHECK(x.event.page_url == "/p");
  CHECK(x.event.at_us == 1'762'372'800'500'000);
  CHECK(x.time_text == "2025-11-05T20:00:00.5Z");
  CHECK(x.event.site_id == "");
}

TEST_CASE("what well-meaning clients of the reference send is read", "[model][event_json]") {
  CHECK(parse("{" + tail).event.at_us == unset_time);
  CHECK(parse("{" + tail).time_text == "");
  CHECK(parse(R"({"time_stamp":null,)" + tail).reason == "");
  auto zero = parse(R"({"time_stamp":"0001-01-01T00:00:00Z",)" + tail);
  CHECK(zero.reason == "");
  CHECK(zero.event.at_us == unset_time);
  CHECK(zero.time_text == "");
  CHECK(parse(R"({"event_id":null,)" + tail).event.event_id == "");
  CHECK(parse(R"({"extra":{"a":[1,2]},)" + tail).reason == "");
  auto capitals = parse(R"({"EVENT_ID":"e","User_Id":"u","event_TYPE":"click","PAGE_url":"/p"})");
  CHECK(capitals.reason == "");
  CHECK(capitals.event.event_id == "e");
  CHECK(capitals.event.page_url == "/p");
  auto escapes = parse(R"({"page_url":"\"\\\n\t\b\f\u0001\u007f\/\u2028\ud83d\ude00\u00e9"})");
  CHECK(escapes.reason == "");
  CHECK(escapes.event.page_url == "\"\\\n\t\b\f\x01\x7f/\xE2\x80\xA8\xF0\x9F\x98\x80\xC3\xA9");
  CHECK(parse(" \r\n\t{" + tail + "\n \n").reason == "");
  CHECK(parse(R"({"time_stamp":"9999-12-31T23:59:59Z",)" + tail).time_text
        == "9999-12-31T23:59:59Z");
  CHECK(parse("{}").reason == "");
}

TEST_CASE("a text that is no object is a matter of syntax", "[model][event_json]") {
  const std::string good = "{" + tail;
  const std::string bad[] = {"",
                             "  \n ",
                             "null",
                             "[]",
                             "[" + good + "]",
                             "\"x\"",
                             "5",
                             "true",
                             "{not json",
                             "{\"event_id\":\"x\",\"page_url\":\"/",
                             good + "xyz",
                             good + good,
                             good + "\n" + good,
                             "\xEF\xBB\xBF" + good,
                             "event_id=1",
                             "{'user_id':'u'}",
                             "{\"user_id\":\"u\",}",
                             "{\"a\":NaN}",
                             "{\"a\":1e400}",
                             "{\"a\":01}",
                             "{\"a\":\"\x01\"}",
                             "{\"a\":\"\xff\"}",
                             "{\"a\":\"\xC0\xAF\"}",
                             "{\"a\":\"\\ud800\"}",
                             "{\"a\":\"\\x41\"}",
                             "{\"a\" 1}",
                             "{a:1}",
                             "}",
                             std::string("{\"a\":\"\0\"}", 9)};
  for (const auto& text : bad) {
    INFO(text);
    auto x = parse(text);
    CHECK(x.reason != "");
    CHECK(x.syntax);
  }
}

TEST_CASE("values of another type are refused by name", "[model][event_json]") {
  struct row {
    const char* text;
    const char* field;
  };
  const row rows[] = {{R"({"user_id":5})", "user_id"},
                      {R"({"event_id":{}})", "event_id"},
                      {R"({"event_type":["click"]})", "event_type"},
                      {R"({"page_url":true})", "page_url"},
                      {R"({"time_stamp":1762372800})", "time_stamp"},
                      {R"({"time_stamp":""})", "time_stamp"},
                      {R"({"time_stamp":"yesterday"})", "time_stamp"},
                      {R"({"user_id":"nul\u0000x"})", "user_id"}};
  for (const auto& r : rows) {
    INFO(r.text);
    auto x = parse(r.text);
    CHECK(x.reason.find(r.field) == 0);
    CHECK_FALSE(x.syntax);
  }
}

TEST_CASE("a key of ours must not come twice", "[model][event_json]") {
  CHECK(reason_of(R"({"user_id":"a","user_id":"a"})")
        == "user_id appears twice; send each key once");
  CHECK(reason_of(R"({"user_id":"a","USER_ID":"b"})") != "");
  CHECK(reason_of(R"({"page_url":null,"page_url":"/p"})") != "");
  CHECK(reason_of(R"({"user\u005fid":"a","user_id":"b"})") != "");
  CHECK(reason_of(R"({"other":1,"other":2})") == "");
}

TEST_CASE("depth and number of keys have limits", "[model][event_json]") {
  CHECK(reason_of(nested(16)) == "");
  CHECK(reason_of(nested(17)).find("deeper than 16") != std::string::npos);
  CHECK(reason_of(nested(9999)).find("deeper than 16") != std::string::npos);
  CHECK(reason_of(R"({"x":)" + std::string(1'000'000, '[')) != "");
  CHECK(reason_of(keys(64)) == "");
  CHECK(reason_of(keys(65)).find("64 keys") != std::string::npos);
}

TEST_CASE("a batch is one object, an array or lines", "[model][event_json]") {
  event_json_parser parser;
  std::vector<parsed_event> out;
  const std::string good = "{" + tail;
  CHECK(parser.parse_batch(good, 3, out) == "");
  CHECK(out.size() == 1);
  CHECK(parser.parse_batch("{\n\"user_id\":\"u\",\n\"page_url\":\"/q\"\n}\n", 3, out) == "");
  REQUIRE(out.size() == 1);
  CHECK(out[0].event.page_url == "/q");
  CHECK(parser.parse_batch(" [" + good + "," + good + "]", 3, out) == "");
  CHECK(out.size() == 2);
  CHECK(parser.parse_batch(good + "\r\n\n  \n" + good + "\n" + good, 3, out) == "");
  REQUIRE(out.size() == 3);
  CHECK(out[2].event.user_id == "u");
}

TEST_CASE("the events of a batch are refused one by one", "[model][event_json]") {
  event_json_parser parser;
  std::vector<parsed_event> out;
  const std::string good = "{" + tail;
  CHECK(parser.parse_batch("[" + good + ",5,{\"user_id\":7}," + good + "]", 9, out) == "");
  REQUIRE(out.size() == 4);
  CHECK(out[0].reason == "");
  CHECK(out[1].syntax);
  CHECK(out[2].reason.find("user_id") == 0);
  CHECK(out[3].reason == "");
  CHECK(parser.parse_batch(good + "\n{broken}\n[]\n" + good, 9, out) == "");
  REQUIRE(out.size() == 4);
  CHECK(out[1].syntax);
  CHECK(out[2].syntax);
  CHECK(out[3].reason == "");
  CHECK(parser.parse_batch("{broken\n" + good, 9, out) == "");
  REQUIRE(out.size() == 2);
  CHECK(out[0].syntax);
  CHECK(out[1].reason == "");
  CHECK(parser.parse_batch("garbage\n" + good, 9, out) == "");
  CHECK(out.size() == 2);
}

TEST_CASE("a batch as a whole can be refused", "[model][event_json]") {
  event_json_parser parser;
  std::vector<parsed_event> out;
  const std::string good = "{" + tail;
  const std::string bad[] = {"",
                             " \n",
                             "[]",
                             "5",
                             "null",
                             "[" + good,
                             "[" + good + ",]",
                             "{\n\"a\":\n",
                             "[" + good + "," + good + "," + good + "," + good + "]",
                             good + "\n" + good + "\n" + good + "\n" + good,
                             "[" + good + "]x"};
  for (const auto& text : bad) {
    INFO(text);
    CHECK(parser.parse_batch(text, 3, out) != "");
    CHECK(out.empty());
  }
  // An array adds one level around objects of 16.
  CHECK(parser.parse_batch("[" + nested(16) + "]", 3, out) == "");
  CHECK(parser.parse_batch("[" + nested(17) + "]", 3, out) == "");
  CHECK(out.at(0).reason.find("deeper than 16") != std::string::npos);
}

TEST_CASE("arrays and lines judge each event alone", "[model][event_json]") {
  event_json_parser parser;
  const std::string good = "{" + tail;
  const std::string bad[] = {R"({"rev":1e400,)" + tail,
                             R"({"rev":123456789012345678901,)" + tail,
                             "{\"x\":\"\\ud800\"," + tail,
                             "{\"x\":\"\\q\"," + tail,
                             "{\"x\":\"\\q]}\"," + tail,
                             "{\"x\":\"\xff\"," + tail,
                             "{\"x\":\"\t\"," + tail,
                             "{\"x\":01," + tail,
                             "{\"x\":nul," + tail,
                             "{\"x\" 1," + tail,
                             "{,}",
                             "nope",
                             nested(17),
                             nested(5000)};
  for (const auto& text : bad) {
    INFO(text);
    for (const auto& body :
         {"[" + good + ", " + text + " ,\n" + good + "]", good + "\n" + text + "\n" + good}) {
      std::vector<parsed_event> out;
      REQUIRE(parser.parse_batch(body, 3, out) == "");
      REQUIRE(out.size() == 3);
      CHECK(out[0].reason == "");
      CHECK(out[0].event.user_id == "u");
      CHECK(out[1].reason == parse(text).reason);
      CHECK(out[1].syntax);
      CHECK(out[2].reason == "");
    }
  }
  // One cannot be told from the next: all are refused.
  const std::string lost[] = {"[" + good + ",{\"a\":[1}," + good + "]",
                              "[" + good + ",{\"a\":\"x}," + good + "]",
                              "[" + good + ",{\"a\":1e400},," + good + "]",
                              "[" + good + ",{\"a\":1e400} " + good + "]",
                              "[" + good + ",{\"a\":1e400}]]",
                              "[" + good + ",{\"a\":1e400}",
                              "[{\"a\":1e400}," + good + "," + good + "," + good + "]"};
  for (const auto& text : lost) {
    INFO(text);
    std::vector<parsed_event> out;
    CHECK(parser.parse_batch(text, 3, out) != "");
    CHECK(out.empty());
  }
}

TEST_CASE("a text that lost its newlines is told how to keep them", "[model][event_json]") {
  event_json_parser parser;
  std::vector<parsed_event> out;
  const std::string good = "{" + tail;
  for (const auto& text : {good + good, good + " " + good + good, "  " + good + "\r" + good})
    CHECK(parser.parse_batch(text, 9, out).find("--data-binary") != std::string::npos);
  CHECK(parser.parse_batch(good + "\n" + good + good, 9, out) == "");
  REQUIRE(out.size() == 2);
  CHECK(out[1].reason.find("--data-binary") != std::string::npos);
  CHECK(parser.parse_batch(good + "x", 9, out).find("--data-binary") == std::string::npos);
}

TEST_CASE("a time under another name is not read, and not without a word", "[model][event_json]") {
  for (const std::string name : {"timestamp", "timeStamp", "time", "ts", "created_at"}) {
    const auto x = parse("{\"" + name + R"(":"2025-11-05T20:00:00Z",)" + tail);
    INFO(name);
    CHECK(x.reason == "");
    CHECK(x.event.at_us == unset_time);
    CHECK(x.warning.find("name the field time_stamp") != std::string::npos);
  }
  CHECK(parse(R"({"time":1,"time_stamp":null,)" + tail).warning != "");
  CHECK(parse(R"({"time":1,"time_stamp":"2025-11-05T20:00:00Z",)" + tail).warning == "");
  CHECK(parse(R"({"times":1,)" + tail).warning == "");
  CHECK(parse("{" + tail).warning == "");
}

TEST_CASE("a parser serves again after any text", "[model][event_json]") {
  event_json_parser parser;
  CHECK(parser.parse_event("{").reason != "");
  CHECK(parser.parse_event(std::string(100'000, '[')).reason != "");
  CHECK(parser.parse_event("{" + tail).reason == "");
  event_json_parser moved = std::move(parser);
  CHECK(moved.parse_event("{" + tail).event.page_url == "/p");
}

TEST_CASE("the pair of a count query is read", "[model][event_json]") {
  event_json_parser parser;
  auto x = parser.parse_pair(R"({"USER_ID":"known","Page_Url":"/known","z":1})");
  CHECK(x.reason == "");
  CHECK(x.user_id == "known");
  CHECK(x.page_url == "/known");
  CHECK(parser.parse_pair("{}").reason == "");
  CHECK(parser.parse_pair("{x").reason != "");
  CHECK(parser.parse_pair("[]").reason != "");
  CHECK(parser.parse_pair(R"({"user_id":1,"page_url":"/known"})").reason.find("user_id") == 0);
  CHECK(parser.parse_pair(R"({"user_id":"a","user_id":"b"})").reason != "");
  CHECK(parser.parse_pair(R"({"user_id":"a\u0000"})").reason != "");
}
