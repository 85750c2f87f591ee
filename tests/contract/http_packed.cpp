// Request bodies with a Content-Encoding.
#include <zlib.h>
#include <zstd.h>

#include "tests/contract/http_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::string gzip(std::string_view text, int window = 15 + 16) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  const size_t size = stream.total_out;
  deflateEnd(&stream);
  return out.substr(0, size);
}

/// Without the size of what is in it, as programs that stream write it, unless asked for.
std::string zstd(std::string_view text, bool tells_size = false) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  auto* stream = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(stream, ZSTD_c_contentSizeFlag, tells_size ? 1 : 0);
  ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1);
  const auto size = ZSTD_compress2(stream, out.data(), out.size(), text.data(), text.size());
  ZSTD_freeCCtx(stream);
  REQUIRE_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

struct packing {
  std::string name;
  std::function<std::string(std::string_view)> pack;
};

const std::vector<packing> packings{
    {"gzip", [](std::string_view x) { return gzip(x); }},
    {"X-GZIP", [](std::string_view x) { return gzip(x); }},
    {"zstd", [](std::string_view x) { return zstd(x); }},
    {"zstd", [](std::string_view x) { return zstd(x, true); }},
};

std::string packed(const std::string& path, const std::string& name, const std::string& body) {
  return post(path, body, "Content-Encoding: " + name + "\r\n");
}

/// Events that are `bytes` long together.
std::string lines_of(size_t bytes) {
  std::string out;
  while (out.size() + 1'100 < bytes)
    out += event("e" + std::to_string(out.size()), std::string(1'000, 'u')) + '\n';
  out.resize(bytes, ' ');
  return out;
}

} // namespace

TEST_CASE_METHOD(http_fixture, "packed bodies are taken as what is in them", "[contract][http]") {
  client c{ports().ingest};
  for (const auto& x : packings) {
    INFO(x.name);
    handler.seen.clear();
    CHECK(status_of(c.ask(packed("/ingest", x.name, x.pack(event("a"))))) == 200);
    const auto both = event("b") + "\n" + event("c");
    CHECK(has(c.ask(packed("/v1/events", x.name, x.pack(both))), "\"accepted\":2"));
    // Of several members, as `cat a.gz b.gz` makes them.
    const auto cut = both.size() / 2;
    const auto parts = x.pack(both.substr(0, cut)) + x.pack("") + x.pack(both.substr(cut));
    CHECK(has(c.ask(packed("/v1/events", x.name, parts)), "\"accepted\":2"));
    CHECK(has(c.ask(packed("/v1/events", x.name, x.pack(lines_of(1 << 20)))),
              "\"status\":\"accepted\""));
    CHECK(handler.seen.size() > 900);
  }
}

TEST_CASE_METHOD(http_fixture, "packed bodies are bounded when unpacked", "[contract][http]") {
  const auto port = ports().ingest;
  for (const auto& x : packings) {
    INFO(x.name);
    for (const auto& body :
         {x.pack(lines_of((1 << 20) + 1)), x.pack(std::string(200 << 20, ' '))}) {
      client c{port};
      const auto answer = c.ask(packed("/v1/events", x.name, body));
      CHECK(status_of(answer) == 413);
      CHECK(has(answer, "when it is unpacked"));
      CHECK(has(answer, "Connection: close\r\n"));
    }
  }
  // Many members with nothing in them cost little more than their bytes.
  std::string empty;
  for (const auto one = gzip(""); empty.size() + one.size() < (1 << 20);)
    empty += one;
  client c{port};
  const auto began = std::chrono::steady_clock::now();
  CHECK(status_of(c.ask(packed("/v1/events", "gzip", empty))) == 400);
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  CHECK(handler.seen.empty());
}

TEST_CASE_METHOD(http_fixture, "packed bodies that are damaged are refused", "[contract][http]") {
  client c{ports().ingest};
  for (const auto& x : packings) {
    INFO(x.name);
    const auto good = x.pack(event("a") + std::string(200, ' '));
    auto flipped = good;
    flipped[good.size() - 2] = static_cast<char>(flipped[good.size() - 2] ^ 1);
    for (const auto& body : {std::string{}, event("a"), good.substr(0, good.size() - 1),
                             good.substr(0, 12), good + "x", flipped, std::string(5'000, '\xff')}) {
      const auto answer = c.ask(packed("/v1/events", x.name, body));
      CHECK(status_of(answer) == 400);
      CHECK(has(answer, "urn:footfall:problem:damaged_encoding"));
    }
  }
  CHECK(handler.seen.empty());
  CHECK(status_of(c.ask(post("/ingest", event("a")))) == 200);
}

TEST_CASE_METHOD(http_fixture, "other encodings are refused with those that are known",
                 "[contract][http]") {
  client c{ports().ingest};
  for (const std::string name : {"br", "deflate", "gzip, gzip", "gzip, zstd", "compress", "*"}) {
    INFO(name);
    const auto answer = c.ask(packed("/ingest", name, gzip(event("a"))));
    CHECK(status_of(answer) == 415);
    CHECK(has(answer, "Accept-Encoding: gzip, zstd\r\n"));
  }
  const auto twice = gzip(gzip(event("a")));
  CHECK(status_of(
            c.ask(post("/ingest", twice, "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n")))
        == 415);
  CHECK(status_of(c.ask(packed("/ingest", "gzip", gzip(event("a"), 15)))) == 400); // zlib's form
  CHECK(handler.seen.empty());
  client q{ports().query};
  CHECK(status_of(
            q.ask("GET /analytics/events HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
                  "Content-Length: 0\r\n\r\n"))
        == 415);
}
