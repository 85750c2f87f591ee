#include <catch2/catch.hpp>

#include "db/postgres/servers.hpp"

using namespace footfall::postgres;

namespace {

using options = std::map<std::string, std::string>;

std::vector<options> options_of(const std::string& url) {
  std::vector<options> out;
  for (const auto& x : servers_of(url))
    out.push_back(x.options);
  return out;
}

} // namespace

TEST_CASE("postgres tries each server of a URL by itself", "[contract][postgres]") {
  CHECK(options_of("postgresql://ada:p%2Cw@one:1,[::1]:2,three/clicks?sslmode=require")
        == std::vector<options>{{{"host", "one"},
                                 {"port", "1"},
                                 {"user", "ada"},
                                 {"password", "p,w"},
                                 {"dbname", "clicks"},
                                 {"sslmode", "require"}},
                                {{"host", "::1"},
                                 {"port", "2"},
                                 {"user", "ada"},
                                 {"password", "p,w"},
                                 {"dbname", "clicks"},
                                 {"sslmode", "require"}},
                                {{"host", "three"},
                                 {"port", ""},
                                 {"user", "ada"},
                                 {"password", "p,w"},
                                 {"dbname", "clicks"},
                                 {"sslmode", "require"}}});
  CHECK(options_of("host=/run/postgresql,two hostaddr=,10.0.0.2 port=5433")
        == std::vector<options>{{{"host", "/run/postgresql"}, {"hostaddr", ""}, {"port", "5433"}},
                                {{"host", "two"}, {"hostaddr", "10.0.0.2"}, {"port", "5433"}}});
  CHECK(options_of("hostaddr=10.0.0.1,10.0.0.2")
        == std::vector<options>{{{"hostaddr", "10.0.0.1"}}, {{"hostaddr", "10.0.0.2"}}});
}

TEST_CASE("postgres leaves to libpq what is one server or does not fit", "[contract][postgres]") {
  for (const char* url :
       {"postgresql:///clicks", "postgresql://%2Frun%2Fpostgresql/clicks", "host=one port=1",
        "host=one,two port=1,2,3", "port=1,2", "clicks", "postgresql://one,two/clicks?nothing=1"})
    CHECK(servers_of(url).size() == 1);
  CHECK(options_of("clicks") == std::vector<options>{{{"dbname", "clicks"}}});
  CHECK(servers_of("clicks")[0].expand);
  CHECK(options_of("host=one,two port=1,2,3")
        == std::vector<options>{{{"host", "one,two"}, {"port", "1,2,3"}}});
}

TEST_CASE("postgres waits for a server as long as the URL says", "[contract][postgres]") {
  using namespace std::chrono_literals;
  CHECK(servers_of("host=one,two")[1].patience == 3s);
  CHECK(servers_of("host=one,two connect_timeout=8")[1].patience == 8s);
  CHECK(servers_of("host=one connect_timeout=0")[0].patience == 3s);
  CHECK(servers_of("host=one connect_timeout=3600")[0].patience == 60s);
}
