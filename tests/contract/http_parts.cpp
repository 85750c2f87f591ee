#include <catch2/catch.hpp>

#include "actors/model/actor_rows.hpp"
#include "net/http/actor_list.hpp"
#include "net/http/counter_path.hpp"
#include "net/http/framing.hpp"
#include "net/http/json_text.hpp"
#include "net/http/query_string.hpp"
#include "net/http/response.hpp"

using namespace footfall;
using namespace footfall::http;

namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

struct reading {
  framing_state state;
  unsigned status = 0;
  request got;
  size_t used = 0;
};

/// Gives the bytes in pieces of `piece` to a reader.
reading read_all(const std::string& bytes, size_t piece, const framing_limits& limits = {}) {
  request_reader reader{limits};
  reading out{framing_state::needs_head, 0, {}, 0};
  std::string waiting;
  size_t at = 0;
  while (true) {
    size_t used = 0;
    out.state = reader.read(waiting, used);
    waiting.erase(0, used);
    out.used += used;
    if (out.state == framing_state::complete || out.state == framing_state::refused)
      break;
    if (at >= bytes.size())
      break;
    waiting += bytes.substr(at, piece);
    at += piece;
  }
  if (out.state == framing_state::refused)
    out.status = reader.refusal().status;
  out.got = reader.get();
  return out;
}

unsigned refused(const std::string& bytes) {
  const auto whole = read_all(bytes, bytes.size());
  const auto dripped = read_all(bytes, 1);
  INFO(bytes.substr(0, 200));
  CHECK(whole.status == dripped.status);
  return whole.status;
}

const std::string post = "POST /ingest HTTP/1.1\r\nHost: x\r\n";

} // namespace

TEST_CASE("JSON text is escaped as Go does", "[net][http]") {
  CHECK(json("plain /p?x=1") == "\"plain /p?x=1\"");
  CHECK(json("a&b<c>") == "\"a\\u0026b\\u003cc\\u003e\"");
  CHECK(json("\"\\\n\t\b\f\r\x01\x1f\x7f/") == "\"\\\"\\\\\\n\\t\\b\\f\\r\\u0001\\u001f\x7f/\"");
  CHECK(json("\xE2\x80\xA8|\xE2\x80\xA9|\xE2\x82\xAC|\xF0\x9F\x98\x80\xC3\xA9")
        == "\"\\u2028|\\u2029|\xE2\x82\xAC|\xF0\x9F\x98\x80\xC3\xA9\"");
  CHECK(json("\xE2\x80\xA8") == "\"\\u2028\"");
  std::string out;
  append_json_safe(out, "a\xff\n");
  CHECK(out == "\"a\xEF\xBF\xBD\\n\"");
}

TEST_CASE("a query string is decoded strictly", "[net][http]") {
  query_params x;
  REQUIRE(x.parse("a=1+2&b=%2Fp%3f&c&&d==e&%65=f") == "");
  CHECK(*x.find("a") == "1 2");
  CHECK(*x.find("b") == "/p?");
  CHECK(*x.find("c") == "");
  CHECK(*x.find("d") == "=e");
  CHECK(*x.find("e") == "f");
  CHECK(x.find("f") == nullptr);
  CHECK(x.check_names({"a", "b", "c", "d", "e"}) == "");
  CHECK(x.check_names({"a", "b", "c", "d"}) != "");
  CHECK(x.parse("") == "");
  for (auto bad : {"a=%", "a=%4", "a=%zz", "%=1", "a=1&a=2", "a=%4g", "a=1&%61=2"}) {
    INFO(bad);
    CHECK(x.parse(bad) != "");
  }
}

TEST_CASE("a request is read whole or byte by byte alike", "[net][http]") {
  for (size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    auto x = read_all(post + "Content-Length: 5\r\nFootfall-After: 1:2\r\n\r\nhelloNEXT", piece);
    REQUIRE(x.state == framing_state::complete);
    CHECK(x.got.verb == method::post);
    CHECK(x.got.path() == "/ingest");
    CHECK(x.got.body == "hello");
    CHECK(x.got.after == "1:2");
    CHECK(x.got.keep_alive);
    auto chunked = read_all(
        post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nNEXT", piece);
    REQUIRE(chunked.state == framing_state::complete);
    CHECK(chunked.got.body == "abcde");
    auto none =
        read_all(post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n", piece);
    REQUIRE(none.state == framing_state::complete);
    CHECK(none.got.body == "");
  }
  CHECK(read_all("GET / HTTP/1.0\r\n\r\n", 100).state == framing_state::complete);
  CHECK_FALSE(read_all("GET / HTTP/1.0\r\n\r\n", 100).got.keep_alive);
  CHECK_FALSE(read_all("GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", 100).got.keep_alive);
}

TEST_CASE("an absolute target is its path, or refused", "[net][http]") {
  auto of = [](const std::string& target) {
    return read_all("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n", 100);
  };
  CHECK(of("http://a.example/p?q").got.target == "/p?q");
  CHECK(of("HTTP://h:80/p").got.target == "/p");
  CHECK(of("http://h").got.target == "/");
  CHECK(of("http://h/").got.target == "/");
  CHECK(of("http://h?x=/healthz").got.target == "/?x=/healthz"); // No path is the root's.
  CHECK(of("http://h?").got.target == "/?");
  CHECK(of("http://h/p?x=http://i/healthz").got.target == "/p?x=http://i/healthz");
  for (auto target : {"http://", "http:///healthz", "http://?x=/healthz", "http://u@h/healthz",
                      "http://h\\@i/healthz", "http:/healthz", "https://h/healthz", "h/healthz",
                      "ftp://h/healthz", "http://h#/healthz"})
    CHECK(of(target).status == 400);
}

TEST_CASE("framing that two programs could read differently is refused", "[net][http]") {
  const std::string end = "\r\n\r\n";
  const char* heads[] = {"Transfer-Encoding: gzip\r\nContent-Length: 4",
                         "Transfer-Encoding: xchunked",
                         "Transfer-Encoding: identity\r\nContent-Length: 4",
                         "Transfer-Encoding: chunked, gzip",
                         "Transfer-Encoding: gzip, chunked",
                         "Transfer-Encoding: chunked\r\nContent-Length: 4",
                         "Content-Length: 4\r\nTransfer-Encoding: chunked",
                         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                         "Transfer-Encoding: ",
                         "Content-Length: 4\r\nContent-Length: 4",
                         "Content-Length: 4\r\nContent-Length: 5",
                         "Content-Length: 4, 4",
                         "Content-Length: +4",
                         "Content-Length: -4",
                         "Content-Length: 0x4",
                         "Content-Length: 4 4",
                         "Content-Length: four",
                         "Content-Length: ",
                         "Content-Length: 18446744073709551616",
                         "Content-Length:\r\n 4",
                         "X-Folded: a\r\n b",
                         "X-Folded: a\r\n\tb",
                         "Host: y",
                         "X-Space : 1",
                         "X-Null: a\x01",
                         "X-Bare: a\nb: c",
                         "X-Bare: a\rb",
                         ": nameless",
                         "X-Del: \x7f",
                         "Connection: \"",
                         "X\xC3\xA9: 1"};
  for (auto head : heads)
    CHECK(refused(post + head + end + "abcd") == 400);
  const std::string lines[] = {
      "GET  / HTTP/1.1",    "GET / HTTP/2.0",    "GET / HTTP/1.2", "GET /",
      "GET /\xff HTTP/1.1", "GET /a b HTTP/1.1", "GET a HTTP/1.1", " GET / HTTP/1.1",
      "GET / http/1.1",     "GET /#x HTTP/1.1",  "HELLO",          "G@T / HTTP/1.1",
      "GET / HTTP/1.1 "};
  for (const auto& line : lines)
    CHECK(refused(line + "\r\nHost: x" + end) == 400);
  CHECK(refused("GET / HTTP/1.1" + end) == 400);
  CHECK(refused("GET / HTTP/1.1\r\nHost: a, b" + end) == 400);
  CHECK(refused("GET / HTTP/1.1\r\nHost: a/b" + end) == 400);
  CHECK(refused("GET / HTTP/1.1\nHost: x\n\n") == 400);
  CHECK(refused("\x16\x03\x01\x02") == 400);
  CHECK(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked" + end) == 400);
  CHECK(refused(post + "Expect: magic" + end) == 417);
}

TEST_CASE("chunks are read strictly and must not bloat", "[net][http]") {
  const std::string head = post + "Transfer-Encoding: chunked\r\n\r\n";
  for (auto body : {"x\r\n", "-1\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\nabc\r\n", "0x3\r\nabc\r\n\r\n",
                    "10000000000000000\r\n", "0\r\nContent-Length: 5\r\n\r\n", "3 \r\nabc\r\n"})
    CHECK(refused(head + body) == 400);
  // 48 kB of extensions for three bytes, at once or in small pieces.
  CHECK(refused(head + "3;" + std::string(48'000, 'x') + "\r\nabc\r\n0\r\n\r\n") == 400);
  std::string tiny;
  for (int i = 0; i < 3; ++i)
    tiny += "1;" + std::string(16'000, 'x') + "\r\na\r\n";
  CHECK(refused(head + tiny + "0\r\n\r\n") == 400);
  framing_limits limits;
  limits.body_bytes = 10;
  CHECK(read_all(head + "6\r\nabcdef\r\n5\r\nghijk\r\n0\r\n\r\n", 100, limits).status == 413);
  CHECK(read_all(head + "5\r\nabcde\r\n5\r\nghijk\r\n0\r\n\r\n", 100, limits).state
        == framing_state::complete);
}

TEST_CASE("sizes of a request have limits", "[net][http]") {
  CHECK(refused(post + "Content-Length: 1048577\r\n\r\n") == 413);
  CHECK(read_all(post + "Content-Length: 1048576\r\n\r\n", 100).state == framing_state::needs_body);
  CHECK(refused(post + "X-Big: " + std::string(9'000, 'a') + "\r\n\r\n") == 431);
  CHECK(refused(post + "X-Endless: " + std::string(9'000, 'a')) == 431);
  std::string many = post;
  for (int i = 0; i < 63; ++i)
    many += "A: b\r\n";
  CHECK(read_all(many + "\r\n", 10'000).state == framing_state::complete);
  CHECK(refused(many + "A: b\r\n\r\n") == 431);
}

TEST_CASE("a response has the length of its body", "[net][http]") {
  std::string out;
  append_response(out, {"Date: x\r\n", false, false, false}, 200, json_type, "A: b\r\n", "{}\n");
  CHECK(out
        == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
           "Date: x\r\nA: b\r\n\r\n{}\n");
  out.clear();
  append_response(out, {"", true, true, true}, 404, json_type, "", "{}\n");
  CHECK(out
        == "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 3\r\n"
           "Connection: close\r\n\r\n");
}

TEST_CASE("a problem says what to do", "[net][http]") {
  auto bad = problem_of(errc::invalid_argument, "user_id is missing; send it");
  CHECK(problem_body(bad)
        == "{\"type\":\"urn:footfall:problem:invalid_argument\",\"title\":\"Invalid argument\","
           "\"status\":400,\"detail\":\"user_id is missing; send it\",\"retry\":false,"
           "\"field\":\"user_id\"}\n");
  std::string out;
  append_problem(out, {}, problem_of(errc::overloaded, "the queue is full"));
  CHECK(out.find("429 Too Many Requests") != std::string::npos);
  CHECK(out.find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(out.find("\"retry\":true") != std::string::npos);
  CHECK(problem_of(errc::timeout, "").status == 503);
  CHECK(problem_of(errc::log_unavailable, "").status == 503);
  CHECK(problem_of(errc::shutting_down, "").status == 503);
  CHECK(problem_of(errc::partition_stopped, "").status == 503);
  CHECK(problem_of(errc::partition_stopped, "").retry);
  CHECK(problem_of(errc::restarting, "").status == 503);
  CHECK(problem_of(errc::restarting, "").retry);
  CHECK(problem_of(errc::disk_full, "").status == 507);
  CHECK(problem_of(errc::position_not_reached, "").status == 504);
  CHECK(problem_of(errc::internal, "").status == 500);
}

TEST_CASE("dates are written as HTTP wants them", "[net][http]") {
  CHECK(date_line(784'111'777'000'000) == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
}

TEST_CASE("actors are listed flat or as a tree", "[net][http]") {
  auto row = [](uint64_t id, uint64_t parent, const char* name, const char* key, uint64_t mailbox) {
    actor_row x;
    x.id = id;
    x.parent = parent;
    x.name = name;
    x.key = key;
    x.mailbox = mailbox;
    return x;
  };
  actors_reply reply;
  reply.rows = {row(1, 0, "supervisor", "", 0), row(2, 1, "partition", "0", 5),
                row(3, 1, "partition", "1", 9), row(4, 3, "page", "/p", 1)};
  auto render = [&](const char* query) {
    query_params params;
    actor_list list;
    REQUIRE(params.parse(query) == "");
    auto bad = list.read(params);
    if (!bad.empty())
      return bad;
    auto shown = reply;
    shown.rows = model::choose_actors(reply.rows, list.ask(), shown.total);
    return list.render(shown);
  };
  auto flat = render("sort=mailbox&limit=2");
  CHECK(flat.find("{\"total\":4,\"more\":true,\"actors\":[{\"id\":3,") == 0);
  CHECK(flat.find("\"id\":2,") != std::string::npos);
  CHECK(flat.find("\"id\":4,") == std::string::npos);
  auto tree = render("view=tree&key=/p");
  CHECK(tree.find("{\"total\":1,\"more\":false,\"tree\":[{\"id\":1,") == 0);
  CHECK(tree.find("\"children\":[{\"id\":3,") != std::string::npos);
  CHECK(tree.find("\"children\":[{\"id\":4,") != std::string::npos);
  CHECK(tree.find("\"id\":2,") == std::string::npos);
  CHECK(render("name=partition").find("\"total\":2") == 1);
  CHECK(render("view=wood").find("view") == 0);
  CHECK(render("sort=up").find("sort") == 0);
  CHECK(render("limit=0").find("limit") == 0);
  CHECK(render("other=1") != "");
  reply.rows = {row(1, 0, "supervisor", "", 0), row(1, 0, "supervisor", "", 0)};
  reply.rows[0].node = "b";
  reply.rows[1].node = "a";
  reply.nodes = {{"a", ""}, {"b", ""}, {"c", "there is no link to it"}};
  CHECK(render("").find(R"({"total":2,"more":false,"nodes":[{"name":"a"},{"name":"b"},)"
                        R"({"name":"c","error":"there is no link to it"}],)"
                        R"("actors":[{"node":"a","id":1,)")
        == 0);
  CHECK(render("view=tree").find(R"("children":[]},{"node":"b")") != std::string::npos);
}

TEST_CASE("the address of a counter", "[http]") {
  const auto at = read_counter_path("/c/shop/%2Fa+b%20c.svg.json");
  CHECK(at.site == "shop");
  CHECK(at.page == "/a+b c.svg");
  CHECK_FALSE(at.is_picture);
  CHECK(read_counter_path("/c/shop//a/b.svg").page == "/a/b");
  CHECK(read_counter_path("/c/shop/%E2%82%AC.svg").is_picture);
  for (const auto* text :
       {"/c/", "/c/shop", "/c/shop/", "/c/shop/.json", "/c/shop/x", "/c/shop/x.JSON",
        "/c/shop/x%.json", "/c/shop/x%2.json", "/c/%zz/x.json", "/c//x.json", "/v1/c/shop/x.json"})
    CHECK(read_counter_path(text).site.empty());
}

TEST_CASE("the picture of a counter", "[http]") {
  const auto says = [](uint64_t clicks, const std::string& words) {
    const auto text = counter_picture(clicks);
    CHECK(text.find("<title>" + words + "</title>") != std::string::npos);
    CHECK(text.find("width=\"" + std::to_string(words.size() * 7 + 16) + '"') != std::string::npos);
  };
  says(0, "0 clicks");
  says(1, "1 click");
  says(999, "999 clicks");
  says(1'000, "1,000 clicks");
  says(12'345'678, "12,345,678 clicks");
}
