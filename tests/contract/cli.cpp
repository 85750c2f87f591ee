#include <catch2/catch.hpp>

#include "app/client_http.hpp"
#include "app/table.hpp"

using namespace footfall;
using namespace footfall::app;

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
  for (auto good :
       {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/", "https://localhost"})
    CHECK(client_http::make(good, std::chrono::seconds{1}, error));
  for (auto bad : {"", "localhost:8080", "ftp://localhost", "http://", "https://", "http://:80",
                   "http://a:b", "http://a:", "http://a/path", "http://a:123456", "http://a:65536",
                   "http://a:0", "http://a:+1", "http://[::1"}) {
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
