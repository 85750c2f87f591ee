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

namespace footfall::app {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Bytes of a batch: under the node's limit with the longest event still to come.
constexpr size_t batch_bytes_max = limits::body_bytes - 32'000;
/// A batch that does not fill is sent after this time.
constexpr milliseconds gather_max{300};
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
  return lines_.size() < limits::batch_events && body_.size() <= batch_bytes_max ? true : flush();
}

bool sender::flush_old(steady_clock::time_point now) {
  return lines_.empty() || now - oldest_ < gather_max || flush();
}

bool sender::flush() {
  while (!lines_.empty()) {
    auto answer = client_->post(target_, "application/x-ndjson", body_);
    const bool is_final = answer.status != 0 && answer.status != 429 && answer.status < 500;
    was_reached_ = was_reached_ || answer.reached;
    if (answer.status == 200)
      bar_.show_lag(answer.lag);
    if (is_final) {
      counts_.bytes += body_.size();
      const auto before = lines_.size();
      read_results(answer);
      if (lines_.empty())
        break;
      if (lines_.size() < before)
        trouble_since_ = {};
    }
    if (!wait_before_retry(answer))
      return false;
  }
  trouble_since_ = {};
  pause_ = {};
  watch_.ask_some();
  return true;
}

bool sender::finish() {
  if (!flush())
    return false;
  watch_.ask_all(told_within);
  return true;
}

bool sender::wait_before_retry(const client_answer& answer) {
  const auto now = steady_clock::now();
  const bool first_contact = !was_reached_;
  if (trouble_since_ == steady_clock::time_point{})
    trouble_since_ = now;
  if (first_contact || now - trouble_since_ > patience_ || is_interrupted()) {
    bar_.finish();
    exit_code_ = explain_failure(answer);
    std::fprintf(stderr,
                 "footfall: stopped before %s; run the same import again when the node is "
                 "back, nothing counts twice\n",
                 lines_.front().where.text().c_str());
    return false;
  }
  ++counts_.retries;
  pause_ = std::clamp(pause_ * 2, milliseconds{100}, milliseconds{5000});
  pause_ = std::max<milliseconds>(pause_, std::min(answer.retry_after, seconds{5}));
  for (auto end = now + pause_; steady_clock::now() < end && !is_interrupted();)
    std::this_thread::sleep_for(std::min(pause_, milliseconds{100}));
  return true;
}

void sender::read_results(const client_answer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array results;
  const bool has_results = parser.parse(answer.body).get(root) == simdjson::SUCCESS
                           && root["results"].get(results) == simdjson::SUCCESS
                           && results.size() == lines_.size();
  auto lines = std::exchange(lines_, {});
  const auto body = std::exchange(body_, {});
  auto next = has_results ? results.begin() : simdjson::dom::array::iterator{};
  size_t begin = 0;
  for (auto& line : lines) {
    const auto end = body.find('\n', begin) + 1;
    const auto event = std::string_view{body}.substr(begin, end - begin);
    begin = end;
    if (!has_results) {
      // The batch as a whole was refused: nothing of it is stored.
      counts_.refuse(line.where, problem_text(answer), line.text, line.header);
      continue;
    }
    const simdjson::dom::element result = *next;
    ++next;
    std::string_view text;
    bool again = false;
    if (result["status"].get(text) == simdjson::SUCCESS && text == "accepted") {
      ++counts_.accepted;
      std::string_view at;
      if (position where; result["position"].get(at) == simdjson::SUCCESS && read(at, where))
        watch_.add(where);
    } else if (result["retry"].get(again) == simdjson::SUCCESS && again) {
      lines_.push_back(std::move(line));
      body_ += event;
    } else {
      text = "refused without a reason";
      if (std::string_view given; result["reason"].get(given) == simdjson::SUCCESS)
        text = given;
      counts_.refuse(line.where, redact(text), line.text, line.header);
    }
  }
}

} // namespace footfall::app
