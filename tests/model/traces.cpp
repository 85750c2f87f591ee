#include <catch2/catch.hpp>

#include "actors/ports/trace_log.hpp"
#include "proto/event.hpp"
#include "proto/query.hpp"

using namespace footfall;

TEST_CASE("a traceparent is read as W3C Trace Context says", "[model][trace]") {
  const std::string known = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const auto x = parse_traceparent(known);
  REQUIRE(x);
  CHECK(x.sampled);
  CHECK(trace_id(x) == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(span_id(x) == "00f067aa0ba902b7");
  CHECK(to_string(x) == known);

  auto with = [&known](size_t at, std::string_view text) {
    auto out = known;
    return out.replace(at, text.size(), text);
  };
  CHECK_FALSE(parse_traceparent(with(53, "00")).sampled);
  CHECK(parse_traceparent(with(53, "ff")).sampled); // Other flags are not known yet.
  CHECK_FALSE(parse_traceparent(with(53, "fe")).sampled);
  // A later version may say more, behind a dash.
  CHECK(parse_traceparent(with(0, "cc")));
  CHECK(parse_traceparent(with(0, "cc") + "-more"));
  CHECK_FALSE(parse_traceparent(with(0, "cc") + "more"));
  CHECK_FALSE(parse_traceparent(with(0, "ff")));
  for (const auto& none :
       {std::string{}, std::string("00"), known.substr(0, 54), known + "-more", known + "0",
        with(2, "_"), with(35, "_"), with(52, "_"), with(3, "4BF9"), with(3, "+bf9"), with(3, "0x"),
        with(36, " "), with(53, "g1"), with(0, "0g"), with(3, "00000000000000000000000000000000"),
        with(36, "0000000000000000"), known + "," + known})
    CHECK_FALSE(parse_traceparent(none));
  // Half of an id may be zero.
  CHECK(parse_traceparent(with(3, "0000000000000000")));
}

TEST_CASE("a span is new within its trace", "[model][trace]") {
  const trace_context given{1, 2, 3, true};
  const auto next = next_span(given);
  CHECK(trace_id(next) == trace_id(given));
  CHECK(next.span != given.span);
  CHECK(next.sampled);

  const auto made = next_span({});
  CHECK(made);
  CHECK(parse_traceparent(to_string(made)));
  CHECK_FALSE(made.sampled);
  CHECK(trace_id(made) != trace_id(next_span({})));
}

TEST_CASE("only what is sampled or failed is told, and no more than the log bears",
          "[model][trace]") {
  int64_t now = 1'000'000;
  std::vector<trace_line> told;
  counter left_out{0};
  trace_log log{[&](const trace_line& x) { told.push_back(x); }, left_out, trace_log::level::all,
                [&] { return now; }};
  bool asked = false;
  auto text = [&] {
    asked = true;
    return std::string("something");
  };
  log.tell({}, "query", text);
  log.tell({1, 2, 3, false}, "query", text);
  CHECK_FALSE(asked);
  log.tell({1, 2, 3, true}, "query", text);
  REQUIRE(told.size() == 1);
  CHECK(told[0].who == "query");
  CHECK(told[0].text == "something");
  CHECK_FALSE(told[0].failed);
  log.tell_failure({1, 2, 3, false}, "http", text);
  REQUIRE(told.size() == 2);
  CHECK(told[1].failed);

  told.clear();
  now += 60'000'000;
  for (int i = 0; i < 1'000; ++i)
    log.tell({1, 2, 3, true}, "query", text);
  CHECK(told.size() == trace_log::burst);
  CHECK(left_out == 1'000 - trace_log::burst);
  now += 1'000'000;
  for (int i = 0; i < 1'000; ++i)
    log.tell_failure({1, 2, 3, true}, "query", text);
  CHECK(told.size() == 2 * trace_log::burst); // Who traces hides no failure.
  now += 1'000'000;
  for (int i = 0; i < 1'000; ++i)
    log.tell_failure({1, 2, 3, true}, "query", text);
  CHECK(told.size() == 2 * trace_log::burst + trace_log::lines_a_second);
}

TEST_CASE("what the log would not take is not even made", "[model][trace]") {
  size_t told = 0;
  counter left_out{0};
  bool asked = false;
  auto text = [&] {
    asked = true;
    return std::string("something");
  };
  trace_log failures{[&](const trace_line&) { ++told; }, left_out, trace_log::level::failures};
  failures.tell({1, 2, 3, true}, "query", text);
  CHECK_FALSE(asked);
  failures.tell_failure({1, 2, 3, true}, "query", text);
  CHECK(told == 1);
  asked = false;
  trace_log nothing{[&](const trace_line&) { ++told; }, left_out, trace_log::level::nothing};
  for (int i = 0; i < 1'000; ++i)
    nothing.tell_failure({1, 2, 3, true}, "query", text);
  CHECK_FALSE(asked);
  CHECK(told == 1);
  CHECK(left_out == 0);
}

TEST_CASE("summaries name what became of a request and not what it held", "[model][trace]") {
  const std::vector<event_result> one{{outcome::accepted, errc::none, "id", 0, {3, 9}, ""}};
  CHECK(summary(one) == "1 event: 1 accepted at 3:9");
  const std::vector<event_result> some{
      {outcome::accepted, errc::none, "id", 0, {3, 9}, ""},
      {outcome::accepted, errc::none, "id", 0, {1, 4}, ""},
      {outcome::accepted, errc::none, "id", 0, {3, 8}, ""},
      {outcome::rejected, errc::invalid_argument, "id", 0, {}, "user_id is secret"},
      {outcome::unknown, errc::timeout, "id", 0, {}, ""}};
  CHECK(summary(some)
        == "5 events: 3 accepted at 1:4,3:9, 1 rejected, 1 unknown (invalid_argument)");

  query_answer answer;
  answer.source = answer_source::store;
  CHECK(summary(query_kind::top_pages, answer) == "top pages answered from the store");
  answer.code = errc::timeout;
  answer.reason = "of /secret";
  CHECK(summary(query_kind::users, answer) == "users refused: timeout");
}
