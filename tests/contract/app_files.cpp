// The data folder's lock, the ready file, what log lines look like, and how descriptors
// are shared out.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/data_lock.hpp"
#include "app/descriptors.hpp"
#include "app/log.hpp"
#include "app/ready_file.hpp"
#include "proto/error.hpp"

using namespace footfall;
using namespace footfall::app;
using Catch::Matchers::Contains;

namespace {

struct folder_fixture {
  folder_fixture() {
    char name[] = "/tmp/footfall-files-XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~folder_fixture() { std::filesystem::remove_all(folder); }

  static std::string text_of_file(const std::string& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  std::string folder;
};

std::string refusal(const std::string& path) {
  auto lock = data_lock::take(path);
  REQUIRE_FALSE(lock);
  CHECK(code_of(lock.error()) == errc::invalid_argument);
  return text_of(lock.error());
}

} // namespace

TEST_CASE_METHOD(folder_fixture, "a data folder is made for its owner alone",
                 "[contract][data_lock]") {
  auto path = folder + "/deep/data";
  auto lock = data_lock::take(path);
  REQUIRE(lock);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE_METHOD(folder_fixture, "a second user of a data folder learns who the first is",
                 "[contract][data_lock]") {
  auto first = data_lock::take(folder);
  REQUIRE(first);
  // flock is by open file, so the same process is refused like another one.
  CHECK_THAT(refusal(folder), Contains("in use by process " + std::to_string(::getpid()))
                                  && Contains("started 20") && Contains(folder)
                                  && Contains("data-dir"));
  first->reset();
  CHECK(data_lock::take(folder));
}

TEST_CASE_METHOD(folder_fixture, "a killed owner leaves no lock behind", "[contract][data_lock]") {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto lock = data_lock::take(folder);
    char held = lock ? 'y' : 'n';
    if (::write(ready[1], &held, 1) == 1)
      ::pause();
    ::_exit(1);
  }
  char held = 0;
  REQUIRE(::read(ready[0], &held, 1) == 1);
  CHECK(held == 'y');
  CHECK_THAT(refusal(folder), Contains("process " + std::to_string(child)));
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(data_lock::take(folder));
}

TEST_CASE_METHOD(folder_fixture, "what is no usable folder is refused", "[contract][data_lock]") {
  auto file = folder + "/file";
  std::ofstream{file} << "x";
  CHECK_THAT(refusal(file), Contains("is not a folder"));
  CHECK_THAT(refusal(file + "/below"), Contains("cannot be made"));
  CHECK_THAT(refusal("/proc/footfall"), Contains("cannot be made"));
}

TEST_CASE_METHOD(folder_fixture, "a ready file appears whole and goes with its owner",
                 "[contract][ready_file]") {
  auto path = folder + "/ready.json";
  auto ready = ready_file::write(path, {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "[::1]:4"});
  REQUIRE(ready);
  CHECK_THAT(text_of_file(path), Contains("{\"pid\":" + std::to_string(::getpid()) + ",\"version\"")
                                     && Contains("\"ingest\":\"127.0.0.1:1\"")
                                     && Contains("\"admin\":\"[::1]:4\"}"));
  CHECK(std::distance(std::filesystem::directory_iterator{folder}, {}) == 1);
  ready->reset();
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_METHOD(folder_fixture, "a ready file of another process stays",
                 "[contract][ready_file]") {
  auto path = folder + "/ready.json";
  auto ready = ready_file::write(path, {});
  REQUIRE(ready);
  std::ofstream{path} << "of another";
  ready->reset();
  CHECK(text_of_file(path) == "of another");
}

TEST_CASE_METHOD(folder_fixture, "a ready file that cannot be written is refused",
                 "[contract][ready_file]") {
  auto ready = ready_file::write(folder + "/none/ready.json", {});
  REQUIRE_FALSE(ready);
  CHECK_THAT(text_of(ready.error()), Contains("ready-file") && Contains("No such file"));
}

TEST_CASE("no input forges a log line or shows a password", "[contract][log]") {
  CHECK(redact("a\r\nb\tc\x1b[31m") == "a\\r\\nb\\tc\\u001b[31m");
  CHECK(redact("lost postgresql://u:p@h") == "lost postgresql://u:***@h");
  CHECK(json_text("a\"b\\c\nd") == "\"a\\\"b\\\\c\\nd\"");
  CHECK(json_text("caf\xc3\xa9") == "\"caf\xc3\xa9\"");
  CHECK(json_text("\xff!") == "\"?!\"");
}

TEST_CASE("descriptors are shared out so that files and admin have theirs", "[contract][app]") {
  const auto plenty = plan_descriptors(20'000, 40, 2048);
  CHECK(plenty.connections == 2048);
  CHECK(plenty.admin == 256);
  for (uint64_t limit = plenty.least; limit < 8'000; ++limit) {
    const auto plan = plan_descriptors(limit, 40, 2048);
    INFO(limit);
    REQUIRE(plan.connections >= 4);
    REQUIRE(plan.admin >= 4);
    REQUIRE(40 + 64 + plan.admin + 3 * plan.connections <= limit);
  }
  CHECK(plan_descriptors(plenty.least - 1, 40, 2048).connections == 0);
  CHECK(plan_descriptors(plenty.least - 1, 40, 2048).least == plenty.least);
  const auto before = open_descriptors();
  CHECK(before >= 3);
  const int one = ::dup(0);
  CHECK(open_descriptors() == before + 1);
  ::close(one);
}
