// Options: one table, three sources, and refusals that a person can act on.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <catch2/catch.hpp>

#include "app/addresses.hpp"
#include "app/environment.hpp"
#include "app/nearest_name.hpp"
#include "app/options.hpp"

using namespace footfall::app;
using Catch::Matchers::Contains;

namespace {

struct options_fixture {
  options_fixture() {
    char name[] = "/tmp/footfall-options-XXXXXX";
    folder = ::mkdtemp(name);
    from.environment = [this](const char* name) -> const char* {
      auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    };
  }
  ~options_fixture() { std::filesystem::remove_all(folder); }

  void config(const std::string& text) {
    from.config_file = folder + "/footfall.conf";
    std::ofstream{from.config_file} << text;
  }

  settings load() {
    REQUIRE(load_options(from, loaded) == "");
    return loaded.values;
  }

  std::string refusal() { return load_options(from, loaded); }

  std::string source_of(const std::string& name) {
    for (const auto& x : loaded.effective)
      if (name == x.spec->name)
        return x.source;
    return "no such option";
  }

  std::string folder;
  std::map<std::string, std::string> environment;
  option_sources from;
  loaded_options loaded;
};

} // namespace

TEST_CASE_METHOD(options_fixture, "every default passes its own check", "[contract][options]") {
  auto values = load();
  CHECK(values.data_dir == "data");
  CHECK(values.bind == "127.0.0.1");
  CHECK(values.ingest_port == 8080);
  CHECK(values.grpc_port == 50051);
  CHECK(values.partitions == 4);
  CHECK(values.kafka_topic == "clicks");
  CHECK(values.redis_addr == "");
  CHECK(values.grpc_reflection);
  CHECK(source_of("bind") == "default");
}

TEST_CASE("no name and no variable stands in the table twice", "[contract][options]") {
  std::set<std::string> names, variables;
  for (const auto& spec : option_table()) {
    INFO(spec.name);
    CHECK(names.insert(spec.name).second);
    CHECK(variables.insert(spec.environment).second);
  }
}

TEST_CASE_METHOD(options_fixture, "a flag wins over the environment, that over the file",
                 "[contract][options]") {
  config("# ours\n\nfold-every-ms = 100 # quick\nbind= 10.0.0.1\r\npartitions = 7\n");
  environment["FOOTFALL_BIND"] = "10.0.0.2";
  environment["FOOTFALL_PARTITIONS"] = "8";
  from.flags["partitions"] = "9";
  auto values = load();
  CHECK(values.fold_every_ms == 100);
  CHECK(values.bind == "10.0.0.2");
  CHECK(values.partitions == 9);
  CHECK(source_of("fold-every-ms") == from.config_file + ":3");
  CHECK(source_of("bind") == "environment FOOTFALL_BIND");
  CHECK(source_of("partitions") == "flag --partitions");
}

TEST_CASE_METHOD(options_fixture, "an empty variable is one that is not set",
                 "[contract][options]") {
  environment["FOOTFALL_PARTITIONS"] = "";
  CHECK(load().partitions == 4);
}

TEST_CASE_METHOD(options_fixture, "a value out of bounds is refused with name, source and bounds",
                 "[contract][options]") {
  auto [name, value] =
      GENERATE(table<std::string, std::string>({{"partitions", "0"},
                                                {"partitions", "1025"},
                                                {"partitions", "4x"},
                                                {"partitions", ""},
                                                {"partitions", "-1"},
                                                {"partitions", "99999999999999999999"},
                                                {"ingest-port", "65536"},
                                                {"grpc-reflection", "maybe"},
                                                {"log-format", "xml"},
                                                {"log-format", "text|json"},
                                                {"log-format", ""},
                                                {"kafka-topic", "a b"},
                                                {"kafka-topic", ".."},
                                                {"kafka-topic", std::string(250, 'x')},
                                                {"redis-addr", "host"},
                                                {"redis-addr", ":1"},
                                                {"redis-addr", "host:0"},
                                                {"redis-addr", "::1:6379"},
                                                {"redis-addr", "redis://h:0"},
                                                {"redis-addr", "redis://h:1/5"},
                                                {"redis-addr", "rediss://h:1"},
                                                {"redis-addr", "http://h:1"},
                                                {"redis-addr", "redis://:abcde@fghij@h:1"},
                                                {"redis-addr", "redis://:abcde/fghij@h:1"},
                                                {"redis-addr", "redis://:abcde%@h:1"},
                                                {"kafka-security-protocol", ""},
                                                {"kafka-sasl-mechanism", "OTHER"},
                                                {"database-url", "mysql://h/d"},
                                                {"database-url", "postgresql://u:abcde/fghij@h/d"},
                                                {"database-url", "postgresql://u:abcde@fghij@h/d"},
                                                {"database-url", "postgresql://u:abcde%zfg@h/d"},
                                                {"database-url", "postgresql://u:5432/x@h/d"},
                                                {"database-url", "postgresql://h/d?nothing=1"},
                                                {"database-url", "host=h password=abcde fghij"},
                                                {"database-url", "host=h port=a"},
                                                {"data-dir", ""},
                                                {"data-dir", "a\nb"},
                                                {"host", "https://stats.example.com"},
                                                {"host", "stats.example.com:80"},
                                                {"host", "stats.example.com/x"},
                                                {"live-streams", "-1"},
                                                {"ui", "perhaps"},
                                                {"bind", std::string(256, 'x')}}));
  from.flags[name] = value;
  INFO(name << " = " << value);
  auto text = refusal();
  CHECK_THAT(text, Contains(name + ": ") && Contains("flag --" + name));
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE_METHOD(options_fixture, "the bounds themselves are allowed", "[contract][options]") {
  from.flags = {{"partitions", "1024"},
                {"ingest-port", "0"},
                {"grpc-reflection", "off"},
                {"host", "stats.example.com, a.example"},
                {"ui", "off"},
                {"live-streams", "0"},
                {"apply-gather-ms", "0"}};
  auto values = load();
  CHECK(values.partitions == 1024);
  CHECK(values.ingest_port == 0);
  CHECK_FALSE(values.grpc_reflection);
  CHECK_FALSE(values.has_ui);
  CHECK(values.hosts == "stats.example.com, a.example");
  CHECK(values.live_streams == 0);
}

TEST_CASE_METHOD(options_fixture, "a config file is refused by line", "[contract][options]") {
  auto [text, wanted] = GENERATE(table<std::string, std::string>(
      {{"bind = a\npartitons = 4\n", "line 2 has an unknown option, \"partitons\""},
       {"just words\n", "line 1 is not \"name = value\""},
       {"bind = a\n\nbind = b\n", "line 3 sets bind again, after line 1"}}));
  config(text);
  CHECK_THAT(refusal(), Contains(wanted) && Contains(from.config_file));
}

TEST_CASE_METHOD(options_fixture, "a config file that is not there is refused",
                 "[contract][options]") {
  from.config_file = folder + "/none.conf";
  CHECK_THAT(refusal(), Contains("none.conf") && Contains("No such file"));
  from.config_file = folder;
  CHECK_THAT(refusal(), Contains("config file"));
}

TEST_CASE_METHOD(options_fixture, "Redis is one address or host and port", "[contract][options]") {
  using row = std::tuple<std::map<std::string, std::string>, std::string, int>;
  auto [given, host, port] = GENERATE(values<row>(
      {{{}, "", 0},
       {{{"REDIS_ADDR", "r:7000"}}, "r", 7000},
       {{{"REDIS_ADDR", "[::1]:7000"}}, "::1", 7000},
       {{{"REDIS_HOST", "r"}}, "r", 6379},
       {{{"REDIS_HOST", "::1"}}, "::1", 6379},
       {{{"REDIS_PORT", "7001"}}, "localhost", 7001},
       {{{"REDIS_HOST", "r"}, {"REDIS_PORT", "7001"}}, "r", 7001},
       {{{"REDIS_ADDR", "redis://r"}}, "r", 6379},
       {{{"REDIS_ADDR", "redis://u:pw1@[::1]:7/0"}}, "::1", 7},
       {{{"REDIS_HOST", "r"}, {"REDIS_PORT", "tcp://10.0.0.1:6379"}}, "r", 6379},
       {{{"REDIS_PORT", "tcp://10.0.0.1:6379"}}, "", 0},
       {{{"REDIS_ADDR", "a:1"}, {"REDIS_HOST", "r"}, {"REDIS_PORT", "7001"}}, "a", 1}}));
  environment = given;
  auto values = load();
  CHECK(values.redis_host == host);
  CHECK(values.redis_port == port);
  CHECK(values.redis_addr.empty() == host.empty());
}

TEST_CASE_METHOD(options_fixture, "the description reads as a config file and hides passwords",
                 "[contract][options]") {
  from.flags = {{"database-url", "postgresql://me:secret@h/db"}, {"partitions", "6"}};
  load();
  auto text = describe(loaded);
  CHECK_THAT(text, Contains("postgresql://me:***@h/db") && Contains("# flag --database-url"));
  CHECK_THAT(text, !Contains("secret"));
  from.flags.clear();
  config(text);
  CHECK(load().partitions == 6);
}

TEST_CASE_METHOD(options_fixture, "a refused secret is not shown", "[contract][options]") {
  environment["DATABASE_URL"] = "postgresql://me:secret@h/\x01";
  CHECK_THAT(refusal(), Contains("DATABASE_URL") && !Contains("secret"));
}

TEST_CASE_METHOD(options_fixture, "Redis' user and password come alone or in the address",
                 "[contract][options]") {
  environment["REDIS_ADDR"] = "redis://ada:p%40ss%2Fredis@h:1";
  auto values = load();
  CHECK(values.redis_username == "ada");
  CHECK(values.redis_password == "p@ss/redis");
  environment["REDIS_PASSWORD"] = "other-redis-password";
  CHECK(load().redis_password == "other-redis-password");
  CHECK_THAT(describe(loaded), Contains("redis://ada:***@h:1") && Contains("redis-password = ***")
                                   && !Contains("p%40ss") && !Contains("other-redis"));
  environment = {{"REDIS_HOST", "h"}, {"REDIS_USERNAME", "ada"}};
  CHECK_THAT(refusal(), Contains("redis-username") && Contains("REDIS_PASSWORD"));
  environment = {{"REDIS_HOST", "redis://h"}};
  CHECK_THAT(refusal(), Contains("redis-host") && Contains("REDIS_ADDR"));
}

TEST_CASE_METHOD(options_fixture, "what nothing would use is refused with what it needs",
                 "[contract][options]") {
  using row = std::tuple<std::map<std::string, std::string>, std::string, std::string>;
  auto [given, idle, needed] = GENERATE(values<row>(
      {{{{"KAFKA_BROKER", "h:1"}, {"KAFKA_SASL_USERNAME", "ada"}},
        "kafka-sasl-username: what the environment KAFKA_SASL_USERNAME",
        "KAFKA_SECURITY_PROTOCOL) sasl_plaintext or"},
       {{{"KAFKA_BROKER", "h:1"}, {"KAFKA_SECURITY_PROTOCOL", "ssl"}, {"KAFKA_SASL_PASSWORD", "p"}},
        "kafka-sasl-password",
        "KAFKA_SECURITY_PROTOCOL) sasl_plaintext or"},
       {{{"KAFKA_BROKER", "h:1"}, {"KAFKA_SASL_MECHANISM", "SCRAM-SHA-256"}},
        "kafka-sasl-mechanism",
        "KAFKA_SECURITY_PROTOCOL) sasl_plaintext or"},
       {{{"KAFKA_BROKER", "h:1"},
         {"KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"},
         {"KAFKA_SSL_CA_LOCATION", "/ca"}},
        "kafka-ssl-ca-location",
        "KAFKA_SECURITY_PROTOCOL) ssl or sasl_ssl"},
       {{{"KAFKA_BROKER", "h:1"}, {"KAFKA_SSL_KEY_PASSWORD", "p"}},
        "kafka-ssl-key-password",
        "KAFKA_SECURITY_PROTOCOL) ssl or sasl_ssl"},
       {{{"KAFKA_SECURITY_PROTOCOL", "ssl"}}, "kafka-security-protocol", "KAFKA_BROKER"},
       {{{"REDIS_PASSWORD", "p"}}, "redis-password", "REDIS_HOST"},
       {{{"REDIS_USERNAME", "ada"}, {"REDIS_PORT", "tcp://10.0.0.1:6379"}},
        "redis-username",
        "REDIS_ADDR"}}));
  environment = given;
  CHECK_THAT(refusal(), Contains(idle) && Contains("of no use without") && Contains(needed));
}

TEST_CASE_METHOD(options_fixture, "what is as it would be anyway needs nothing",
                 "[contract][options]") {
  environment = {{"KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"}, {"KAFKA_SASL_MECHANISM", "plain"}};
  load();
  environment = {{"KAFKA_BROKER", "h:1"},          {"KAFKA_SECURITY_PROTOCOL", "SASL_SSL"},
                 {"KAFKA_SASL_USERNAME", "ada"},   {"KAFKA_SASL_PASSWORD", "p"},
                 {"KAFKA_SSL_CA_LOCATION", "/ca"}, {"REDIS_HOST", "h"},
                 {"REDIS_PASSWORD", "p"}};
  load();
}

TEST_CASE_METHOD(options_fixture, "a secret stands in a file that its variable names",
                 "[contract][options]") {
  const auto path = folder + "/secret";
  environment["REDIS_HOST"] = "h";
  environment["REDIS_PASSWORD_FILE"] = path;
  CHECK_THAT(refusal(), Contains(path) && Contains("REDIS_PASSWORD_FILE") && Contains("No such"));
  std::ofstream{path} << "from a file\r\n";
  config("redis-password = of-the-config\n");
  CHECK(load().redis_password == "from a file");
  CHECK(source_of("redis-password") == "file " + path + " (REDIS_PASSWORD_FILE)");
  from.flags["redis-password"] = "of-the-flag";
  CHECK(load().redis_password == "of-the-flag");
  from.flags.clear();
  environment["REDIS_PASSWORD"] = "of-the-variable";
  CHECK_THAT(refusal(), Contains("both set") && !Contains("of-the"));
  environment.erase("REDIS_PASSWORD");
  std::ofstream{path} << "two\nlines\n";
  CHECK_THAT(refusal(), Contains("more than one line") && !Contains("two"));
  // What is no secret stands in no file.
  environment = {{"FOOTFALL_BIND_FILE", path}, {"REDIS_HOST", "h"}};
  CHECK(load().bind == "127.0.0.1");
}

TEST_CASE("an address of PostgreSQL is read as libpq reads it", "[contract][options]") {
  using row = std::tuple<std::string, std::string, std::vector<std::string>>;
  auto [text, shown, secrets] = GENERATE(values<row>(
      {{"postgresql://u:p%40%2Fq@h:1/d", "h:1/d", {"p%40%2Fq", "p@/q"}},
       {"postgres://h/d?password=p%26q&sslpassword=r", "h:5432/d", {"p%26q", "r", "p&q", "r"}},
       {"postgresql://u:p:q?r#s@h/d", "h:5432/d", {"p:q?r#s", "p:q?r#s"}},
       {"postgresql://a:1,b:2/d", "a,b:1,2/d", {}},
       {"host=h password='p \\' q' dbname=d", "h:5432/d", {"p ' q"}}}));
  INFO(text);
  auto read = read_database_address(text);
  CHECK(read.fault == "");
  CHECK(read.shown == shown);
  CHECK(read.secrets == secrets);
}

TEST_CASE("a name that is nearly another is known", "[contract][options]") {
  const std::vector<std::string> names{"KAFKA_BROKER", "KAFKA_TOPIC", "REDIS_ADDR", "DATABASE_URL"};
  CHECK(nearest_name("KAFKA_BROKERS", names) == "KAFKA_BROKER");
  CHECK(nearest_name("KAKFA_TOPIC", names) == "KAFKA_TOPIC");
  CHECK(nearest_name("DATABASE_ULR", names) == "DATABASE_URL");
  CHECK(nearest_name("REDIS_ADR", names) == "REDIS_ADDR");
  CHECK(nearest_name("SOMETHING_ELSE", names) == "");
  CHECK(nearest_name(std::string(100, 'x'), names) == "");
}

TEST_CASE("variables that set nothing are told, never their values", "[contract][options]") {
  auto [entries, wanted] = GENERATE(table<std::vector<std::string_view>, std::vector<std::string>>(
      {{{"KAFKA_BROKER=h:1", "REDIS_PASSWORD_FILE=/x", "PATH=/bin", "FOOTFALL_CONFIG=f",
         "FOOTFALL_TEST_KAFKA=x", "DATABASE_URL=postgresql://h/d"},
        {}},
       {{"KAFKA_BROKERS=h:1"}, {"KAFKA_BROKERS is not known", "did you mean KAFKA_BROKER?"}},
       {{"FOOTFALL_PARTITONS=9"}, {"did you mean FOOTFALL_PARTITIONS?"}},
       {{"DATABASE_ULR=kanary"}, {"did you mean DATABASE_URL?"}},
       {{"REDIS_URL=redis://:kanary@h"}, {"did you mean REDIS_ADDR?"}},
       {{"KAFKA_HEAP_OPTS=kanary", "FOOTFALL="}, {"set nothing: KAFKA_HEAP_OPTS"}},
       {{"REDIS_PORT=tcp://10.0.0.1:6379", "REDIS_SERVICE_HOST=10.0.0.1",
         "REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "KAFKA_SERVICE_PORT_CLIENT=9092",
         "FOOTFALL_INGEST_PORT=tcp://10.0.0.2:8080"},
        {"a service set nothing here: REDIS_PORT, REDIS_SERVICE_HOST"}}}));
  auto notes = environment_notes(entries);
  CHECK(notes.empty() == wanted.empty());
  CHECK(notes.size() <= 1);
  for (const auto& text : wanted)
    CHECK_THAT(notes.at(0), Contains(text));
  for (const auto& note : notes)
    CHECK_THAT(note, !Contains("kanary") && !Contains("10.0.0"));
}
