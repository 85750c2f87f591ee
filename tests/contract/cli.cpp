#include <catch2/catch.hpp>

#include <cstdio>
#include <filesystem>
#include <set>

#include <unistd.h>

#include "actors/model/event_json.hpp"
#include "app/client_http.hpp"
#include "app/import_lines.hpp"
#include "app/line_reader.hpp"
#include "app/table.hpp"

using namespace footfall;
using namespace footfall::app;

namespace {

constexpr const char* whole =
    R"(83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a/b.png?x=1 HTTP/1.1" 200 203023 )"
    R"x("http://x.example/" "Mozilla/5.0 (Macintosh)")x";

std::string refusal_of(const std::string& line) {
  click_event event;
  return parse_combined(line, event);
}

std::string with_request(const std::string& request) {
  return "::1 - - [17/May/2015:10:05:03 +0000] " + request;
}

/// A file with the given content, gone afterwards.
struct temporary_file {
  explicit temporary_file(const std::string& content) {
    const int file = mkstemp(path.data());
    REQUIRE(file >= 0);
    REQUIRE(write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    close(file);
  }
  ~temporary_file() { std::filesystem::remove(path); }
  std::string path = (std::filesystem::temp_directory_path() / "footfall-XXXXXX").string();
};

} // namespace

TEST_CASE("a line of an access log is a click", "[contract][cli]") {
  click_event event;
  REQUIRE(parse_combined(whole, event).empty());
  CHECK(event.user_id == "83.149.9.216");
  CHECK(event.page_url == "/a/b.png?x=1");
  CHECK(event.event_type == "click");
  CHECK(event.at_us == 1'431'857'103'000'000);
}

TEST_CASE("the zone of a log line counts", "[contract][cli]") {
  click_event east;
  click_event west;
  REQUIRE(
      parse_combined(R"(a - - [17/May/2015:12:35:03 +0230] "GET / HTTP/1.1" 200 1)", east).empty());
  REQUIRE(
      parse_combined(R"(a - - [17/May/2015:00:05:03 -1000] "GET / HTTP/1.1" 200 1)", west).empty());
  CHECK(east.at_us == 1'431'857'103'000'000);
  CHECK(west.at_us == east.at_us);
}

TEST_CASE("broken quoting behind the target does no harm", "[contract][cli]") {
  for (auto request : {R"("GET /p HTTP/1.1" 200 235 "-" "Mozilla/5.0 (compatible; Google)",
                       R"("GET /p HTTP/1.1" 200 235 "-" "a "quoted" agent")", R"("GET /p)",
                       R"("GET /p")", R"("GET /p HTTP/1.1)"}) {
    click_event event;
    CHECK(parse_combined(with_request(request), event).empty());
    CHECK(event.page_url == "/p");
  }
}

TEST_CASE("a line that is no log line says why", "[contract][cli]") {
  const std::pair<const char*, const char*> table[] = {
      {"", "address"},
      {"word", "address"},
      {" - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\"", "address"},
      {"a - - 17/May/2015", "brackets"},
      {"a - - [17/May/2015:10:05:03 +0000", "brackets"},
      {"a - - [17/Mai/2015:10:05:03 +0000] \"GET / HTTP/1.1\"", "time"},
      {"a - - [17/May/2015:24:05:03 +0000] \"GET / HTTP/1.1\"", "time"},
      {"a - - [00/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\"", "time"},
      {"a - - [17/May/2015:1x:05:03 +0000] \"GET / HTTP/1.1\"", "time"},
      {"a - - [17/May/2015:10:05:03 0000] \"GET / HTTP/1.1\"", "time"},
      {"a - - [17/May/2015:10:05:03 +0000] GET /", "quoted"},
      {"a - - [17/May/2015:10:05:03 +0000] \"-\" 408 0", "target"},
      {"a - - [17/May/2015:10:05:03 +0000] \"GET\"", "target"},
      {"a - - [17/May/2015:10:05:03 +0000] \"GET  HTTP/1.1\"", "target"}};
  for (auto [line, part] : table)
    CHECK_THAT(refusal_of(line), Catch::Matchers::Contains(part));
}

TEST_CASE("ids of lines repeat, differ by place and sort by time", "[contract][cli]") {
  CHECK(id_of_line(1'000'000, 1, "x") == id_of_line(1'000'000, 1, "x"));
  std::set<std::string> ids;
  for (uint64_t line = 1; line <= 10'000; ++line)
    for (auto text : {"x", "y"})
      ids.insert(id_of_line(1'431'857'103'000'000, line, text));
  CHECK(ids.size() == 20'000);
  CHECK(id_of_line(1'431'857'103'000'000, 2, "x") < id_of_line(1'431'857'104'000'000, 1, "x"));
  CHECK(ids.begin()->at(14) == '7');
}

TEST_CASE("the format is guessed by the first line", "[contract][cli]") {
  CHECK(guess_format("  {\"user_id\":1}") == import_format::ndjson);
  CHECK(guess_format(whole) == import_format::combined);
  CHECK(guess_format("") == import_format::combined);
}

TEST_CASE("what an import sends is what it read", "[contract][cli]") {
  line_importer lines{import_format::ndjson, "shop"};
  click_event event;
  REQUIRE(lines.read(7, R"({"user_id":"a\"\\\n\u00e9","event_type":"t","page_url":"/p"})", event)
              .empty());
  CHECK(event.site_id == "shop");
  CHECK(event.event_id
        == id_of_line(unset_time, 7,
                      R"({"user_id":"a\"\\\n\u00e9","event_type":"t","page_url":"/p"})"));
  REQUIRE(lines
              .read(8,
                    R"({"event_id":"e","user_id":"a\"\\\n\u00e9","event_type":"t",)"
                    R"("page_url":"/p","time_stamp":"2025-11-05T20:00:00.25Z"})",
                    event)
              .empty());
  std::string text;
  append_ndjson(text, event);
  CHECK(text.back() == '\n');
  auto again = model::event_json_parser{}.parse_event(text);
  REQUIRE(again.reason.empty());
  CHECK(again.event.event_id == "e");
  CHECK(again.event.user_id == event.user_id);
  CHECK(again.event.page_url == "/p");
  CHECK(again.event.at_us == event.at_us);
}

TEST_CASE("lines that could not be stored are refused before they are sent", "[contract][cli]") {
  click_event event;
  line_importer ndjson{import_format::ndjson, ""};
  CHECK_FALSE(ndjson.read(1, "{", event).empty());
  CHECK_FALSE(ndjson.read(1, R"({"user_id":"u","event_type":"t"})", event).empty());
  line_importer combined{import_format::combined, ""};
  CHECK_THAT(combined.read(1, with_request("\"GET /\xff HTTP/1.1\""), event),
             Catch::Matchers::Contains("page_url"));
  CHECK_THAT(combined.read(1, with_request("\"GET /" + std::string(2048, 'x') + "\""), event),
             Catch::Matchers::Contains("page_url"));
}

TEST_CASE("a file is read line by line", "[contract][cli]") {
  const std::string long_line(line_reader::line_bytes_max + 5, 'x');
  const std::string content = "one\r\n\ntwo\n" + long_line + "\nlast";
  temporary_file file{content};
  auto reader = line_reader::open(file.path);
  REQUIRE(reader);
  CHECK(reader->bytes_total() == content.size());
  std::string line;
  for (auto wanted : {"one", "", "two"}) {
    REQUIRE(reader->next(line));
    CHECK(line == wanted);
    CHECK_FALSE(reader->is_cut());
  }
  REQUIRE(reader->next(line));
  CHECK(reader->is_cut());
  CHECK(line.size() == line_reader::line_bytes_max);
  REQUIRE(reader->next(line));
  CHECK(line == "last");
  CHECK_FALSE(reader->is_cut());
  CHECK_FALSE(reader->next(line));
  CHECK(reader->is_good());
  CHECK(reader->bytes_read() == content.size());
  CHECK_FALSE(line_reader::open(file.path + ".none"));
  CHECK_FALSE(line_reader::open(std::filesystem::temp_directory_path()));
}

TEST_CASE("a table is aligned and harmless", "[contract][cli]") {
  table x{{"page_url", "clicks"}};
  x.add({"/\x1b[31m\xc2\x9b", "7"});
  x.add({"/\xc3\xa9", "1200"});
  CHECK(x.text() == "page_url  clicks\n/?[31m?        7\n/\xc3\xa9          1200\n");
}

TEST_CASE("a table may have rows without a text", "[contract][cli]") {
  table x{{"", ""}};
  x.add({"name", "partition"});
  x.add({"", ""});
  CHECK(x.text() == "\nname  partition\n\n");
}

TEST_CASE("URLs of a node are read strictly", "[contract][cli]") {
  std::string error;
  for (auto good : {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/"})
    CHECK(client_http::make(good, std::chrono::seconds{1}, error));
  for (auto bad : {"", "localhost:8080", "https://localhost", "http://", "http://:80", "http://a:b",
                   "http://a:", "http://a/path", "http://a:123456", "http://a:65536", "http://a:0",
                   "http://a:+1", "http://[::1"}) {
    CHECK_FALSE(client_http::make(bad, std::chrono::seconds{1}, error));
    CHECK_THAT(error, Catch::Matchers::Contains("not a URL"));
  }
  CHECK(url_encode("/a b&c=\xc3\xa9?") == "/a%20b%26c%3D%C3%A9%3F");
}

TEST_CASE("a node that is not there is said to be", "[contract][cli]") {
  std::string error;
  // Port 9 of the loopback: nothing listens there.
  auto client = client_http::make("http://127.0.0.1:9", std::chrono::seconds{1}, error);
  auto answer = client->get("/");
  CHECK(answer.status == 0);
  CHECK_THAT(answer.error, Catch::Matchers::Contains("cannot reach http://127.0.0.1:9"));
  CHECK(explain_failure(answer) == 3);
}
