#include "app/import/sender.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>
#include <utility>

#include <simdjson.h>

#include "app/import/interrupt.hpp"
#include "app/import/log_parser.hpp"
#include "app/log.hpp"
#include "proto/error.hpp"

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Bytes of a batch: under the node's limit with the longest event still to come.
constexpr size_t batch_bytes_max = limits::body_bytes - 32'000;
/// A batch that does not fill is sent after this time.
constexpr milliseconds gather_max{300};
/// Of events whose partition is stopped, so much is kept, and tried again after this time.
constexpr size_t aside_bytes_max = 32 << 20;
constexpr seconds aside_pause{10};
/// So long the summary waits for the last events to be applied.
constexpr seconds told_within{10};

/// "3:42"
bool read(std::string_view text, position& out) {
  const char* end = text.data() + text.size();
  const auto partition = std::from_chars(text.data(), end, out.partition);
  if (partition.ec != std::errc{} || partition.ptr == end || *partition.ptr != ':')
    return false;
  const auto offset = std::from_chars(partition.ptr + 1, end, out.offset);
  return offset.ec == std::errc{} && offset.ptr == end;
}

} // namespace

/// What the node says of one event. The texts lie in its answer.
struct sender::event_answer {
  std::string_view status, code, reason, position;
  bool again = false;

  explicit event_answer(simdjson::dom::element x) {
    auto read = [&x](const char* name, auto& to) {
      if (x[name].get(to) != simdjson::SUCCESS)
        to = {};
    };
    read("status", status);
    read("code", code);
    read("reason", reason);
    read("position", position);
    read("retry", again);
  }
};

sender::sender(std::unique_ptr<client_http> client, const std::string& site, uint32_t patience_s,
               tally& counts, progress& bar)
    : client_(std::move(client)), patience_(patience_s), counts_(counts), bar_(bar),
      watch_(*client_, counts) {
  if (!site.empty())
    target_ += "?site=" + url_encode(site);
}

bool sender::add(const line_place& where, const click_event& event, const std::string& line,
                 const std::string& header) {
  if (lines_.empty())
    oldest_ = steady_clock::now();
  append_ndjson(body_, event);
  auto& kept = lines_.emplace_back();
  kept.where = where;
  if (counts_.keeps_refused()) {
    kept.text = line;
    kept.header = header;
  }
  return has_room() || flush();
}

bool sender::has_room() const noexcept {
  return lines_.size() < limits::batch_events && body_.size() <= batch_bytes_max;
}

bool sender::flush_old(steady_clock::time_point now) {
  return lines_.empty() || now - oldest_ < gather_max || flush();
}

bool sender::flush() {
  take_back();
  while (!lines_.empty()) {
    const auto answer = client_->post(target_, "application/x-ndjson", body_);
    was_reached_ = was_reached_ || answer.reached;
    is_answering_ = answer.status != 0;
    if (answer.status == 200)
      bar_.show_lag(answer.lag);
    const auto before = lines_.size();
    read_results(answer);
    if (lines_.empty())
      break;
    if (lines_.size() < before)
      trouble_since_ = {};
    if (!wait_before_retry(answer))
      return false;
  }
  trouble_since_ = {};
  pause_ = {};
  watch_.ask_some();
  return true;
}

void sender::finish() {
  bool go_on = exit_code_ == 0 && flush();
  is_last_try_ = true;
  while (go_on && !aside_.empty())
    go_on = flush();
  counts_.unsent += lines_.size() + aside_.size();
  if (is_answering_)
    watch_.ask_all(told_within);
}

bool sender::wait_before_retry(const client_answer& answer) {
  const auto now = steady_clock::now();
  const bool first_contact = !was_reached_;
  if (trouble_since_ == steady_clock::time_point{})
    trouble_since_ = now;
  if (first_contact || now - trouble_since_ > patience_ || is_interrupted()) {
    explain(answer);
    return false;
  }
  ++counts_.retries;
  pause_ = std::clamp(pause_ * 2, milliseconds{100}, milliseconds{5000});
  pause_ = std::max<milliseconds>(pause_, std::min(answer.retry_after, seconds{5}));
  for (auto end = now + pause_; steady_clock::now() < end && !is_interrupted();)
    std::this_thread::sleep_for(std::min(pause_, milliseconds{100}));
  return true;
}

void sender::explain(const client_answer& answer) {
  bar_.finish();
  exit_code_ = 1;
  if (answer.status == 200)
    std::fprintf(stderr, "footfall: %s\n", reason_.c_str());
  else
    exit_code_ = explain_failure(answer);
  const auto first = lines_.front().where.text();
  if (is_last_try_)
    std::fprintf(stderr,
                 "footfall: events of a stopped partition were not sent, the first is %s; run the "
                 "same import again when it goes on, nothing counts twice\n",
                 first.c_str());
  else
    std::fprintf(stderr,
                 "footfall: stopped before %s; run the same import again when the node is "
                 "back, nothing counts twice\n",
                 first.c_str());
}

void sender::read_results(const client_answer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array results;
  const bool has_results = parser.parse(answer.body).get(root) == simdjson::SUCCESS
                           && root["results"].get(results) == simdjson::SUCCESS
                           && results.size() == lines_.size();
  if (!has_results && (answer.status == 0 || answer.status == 429 || answer.status >= 500))
    return;
  auto lines = std::exchange(lines_, {});
  const auto body = std::exchange(body_, {});
  auto next = has_results ? results.begin() : simdjson::dom::array::iterator{};
  size_t begin = 0;
  for (auto& line : lines) {
    const auto end = body.find('\n', begin) + 1;
    const auto event = std::string_view{body}.substr(begin, end - begin);
    begin = end;
    if (has_results) {
      settle(event_answer{*next}, line, event);
      ++next;
    } else {
      // The batch as a whole was refused: nothing of it is stored.
      counts_.refuse(line.where, problem_text(answer), line.text, line.header);
      counts_.bytes += event.size();
    }
  }
}

void sender::settle(const event_answer& answer, waiting_line& line, std::string_view event) {
  if (answer.status == "accepted") {
    ++counts_.accepted;
    counts_.bytes += event.size();
    if (position where; read(answer.position, where))
      watch_.add(where);
  } else if (answer.again) {
    reason_ = redact(answer.reason);
    if (answer.code == to_string(errc::partition_stopped) && set_aside(line, event))
      return;
    lines_.push_back(std::move(line));
    body_ += event;
  } else {
    const auto reason = answer.reason.empty() ? "refused without a reason" : redact(answer.reason);
    counts_.refuse(line.where, reason, line.text, line.header);
    counts_.bytes += event.size();
  }
}

bool sender::set_aside(waiting_line& line, std::string_view event) {
  if (is_last_try_ || aside_bytes_ + event.size() > aside_bytes_max)
    return false;
  if (aside_.empty())
    aside_tried_ = steady_clock::now();
  aside_bytes_ += event.size();
  aside_.push_back({std::move(line), std::string{event}});
  return true;
}

void sender::take_back() {
  const auto now = steady_clock::now();
  if (aside_.empty() || !has_room() || (!is_last_try_ && now - aside_tried_ < aside_pause))
    return;
  aside_tried_ = now;
  for (; !aside_.empty() && has_room(); aside_.pop_front()) {
    auto& x = aside_.front();
    aside_bytes_ -= x.text.size();
    body_ += x.text;
    lines_.push_back(std::move(x.line));
  }
}

} // namespace footfall::app
