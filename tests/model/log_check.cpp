#include <catch2/catch.hpp>

#include "actors/model/log_check.hpp"

using namespace footfall;
using namespace footfall::model;

namespace {

log_entry record(int64_t offset, const std::string& value) {
  return {offset, 1'700'000'000'000'000 + offset, record_format::protobuf, value};
}

log_verdict check(const known_log& known, const log_view& found) {
  return check_log(2, known, found);
}

const known_log known{"cluster=a;topic=x", 100, mark_of(record(99, "last"))};

log_view same() {
  return {"cluster=a;topic=x", 50, 120, {record(99, "last")}};
}

} // namespace

TEST_CASE("a log that is the one that was applied is read on", "[model][log_check]") {
  CHECK(check(known, same()).fault == stop_kind::none);
  CHECK(check(known, same()).identity.empty());
  auto all_applied = same();
  all_applied.end = 100;
  CHECK(check(known, all_applied).fault == stop_kind::none);
  auto retention_was_here = same();
  retention_was_here.first = retention_was_here.end = 100;
  retention_was_here.at.clear();
  CHECK(check(known, retention_was_here).fault == stop_kind::none);
}

TEST_CASE("another log is known by its identity", "[model][log_check]") {
  auto found = same();
  found.identity = "cluster=a;topic=y";
  const auto x = check(known, found);
  CHECK(x.fault == stop_kind::other_log);
  CHECK(x.why.find("its topic is y, and what was applied came from x") != std::string::npos);
  CHECK(x.why.find("--new-generation") != std::string::npos);
}

TEST_CASE("what a log does not tell of itself is no difference", "[model][log_check]") {
  auto found = same();
  found.identity = "cluster=a";
  CHECK(check(known, found).fault == stop_kind::none);
  CHECK(check(known, found).identity.empty());
  found.identity = "";
  CHECK(check(known, found).fault == stop_kind::none);
}

TEST_CASE("what a log tells for the first time is noted", "[model][log_check]") {
  CHECK(check({"", 0, {}}, {"log=q", 0, 0, {}}).identity == "log=q");
  CHECK(check({"cluster=a", 100, {}}, same()).identity == "cluster=a;topic=x");
}

TEST_CASE("a log that ends before what was applied is too short", "[model][log_check]") {
  auto found = same();
  found.end = 99;
  found.at.clear();
  CHECK(check(known, found).fault == stop_kind::log_too_short);
  found.first = found.end = 0;
  CHECK(check(known, found).fault == stop_kind::log_too_short);
  CHECK(check(known, found).why.find("the log holds nothing") != std::string::npos);
}

TEST_CASE("a log with another record where one was applied is another log", "[model][log_check]") {
  auto found = same();
  found.at = {record(99, "LAST")};
  CHECK(check(known, found).fault == stop_kind::other_log);
  found.at = {record(99, "last")};
  found.at[0].time_us += 1; // The same event, sent again to a new log.
  CHECK(check(known, found).fault == stop_kind::other_log);
  found.at = {record(100, "next")}; // Offset 99 has no record any more.
  CHECK(check(known, found).fault == stop_kind::none);
}

TEST_CASE("records that are gone before they were applied are a loss", "[model][log_check]") {
  auto found = same();
  found.at.clear();
  found.first = 101;
  const auto x = check(known, found);
  CHECK(x.fault == stop_kind::records_lost);
  CHECK(x.why.find("records 100 to 100 are gone") != std::string::npos);
  CHECK(x.why.find("--partition 2 --skip-to 101") != std::string::npos);
}

TEST_CASE("a record's hash is the same in every version", "[model][log_check]") {
  CHECK(hash_of({7, 0, record_format::protobuf, ""}) == hash_of({8, 0, record_format::json, ""}));
  CHECK(hash_of({0, 1, record_format::protobuf, "abc"}) == -5328999825840153748);
}
