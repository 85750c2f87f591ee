#include "app/import.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "app/client_http.hpp"
#include "app/import_lines.hpp"
#include "app/line_reader.hpp"
#include "app/log.hpp"
#include "app/progress.hpp"

namespace footfall::app {

namespace {

using std::chrono::steady_clock;

/// Bytes of a batch: under the node's limit with the longest event still to come.
constexpr size_t batch_bytes_max = limits::body_bytes - 32'000;
constexpr size_t reasons_max = 10;
/// A node that answers at all answers a batch in this time.
constexpr std::chrono::seconds answer_timeout{60};

class importer {
public:
  importer(const import_options& options, std::unique_ptr<client_http> client,
           std::unique_ptr<line_reader> reader)
      : options_(options), client_(std::move(client)), reader_(std::move(reader)),
        progress_(reader_->bytes_total()) {
    if (!options.site.empty())
      target_ += "?site=" + url_encode(options.site);
  }

  int run();

private:
  void take(const std::string& line);
  /// False: the import ends here; exit_code_ says why.
  bool send();
  bool wait_before_retry(const client_answer& answer);
  /// Counts what is final and keeps the rest, to be sent again.
  void read_results(const client_answer& answer);
  void refuse(uint64_t line_number, const std::string& reason);
  void print_summary() const;

  const import_options& options_;
  std::unique_ptr<client_http> client_;
  std::unique_ptr<line_reader> reader_;
  progress progress_;
  std::unique_ptr<line_importer> lines_;
  std::string target_ = "/v1/events";
  std::string body_;
  std::vector<uint64_t> line_numbers_; ///< Of the events in body_, one line each.
  uint64_t line_number_ = 0;
  uint64_t blank_ = 0;
  uint64_t accepted_ = 0;
  uint64_t refused_ = 0;
  uint64_t retries_ = 0;
  uint64_t sent_bytes_ = 0;
  bool was_reached_ = false;
  steady_clock::time_point trouble_since_{};
  std::chrono::milliseconds pause_{0};
  std::vector<std::string> reasons_;
  steady_clock::time_point started_ = steady_clock::now();
  int exit_code_ = 0;
};

int importer::run() {
  std::string line;
  bool go_on = true;
  while (go_on && reader_->next(line)) {
    ++line_number_;
    take(line);
    if (line_numbers_.size() == limits::batch_events || body_.size() > batch_bytes_max)
      go_on = send();
    progress_.show(reader_->bytes_read(), accepted_ + refused_);
  }
  if (go_on && !line_numbers_.empty())
    go_on = send();
  progress_.finish();
  if (!reader_->is_good()) {
    std::fprintf(stderr, "footfall: %s: %s\n", options_.file.c_str(), std::strerror(errno));
    exit_code_ = std::max(exit_code_, 1);
  }
  print_summary();
  return exit_code_ != 0 ? exit_code_ : refused_ > 0 ? 1 : 0;
}

void importer::take(const std::string& line) {
  if (line.find_first_not_of(" \t") == std::string::npos) {
    ++blank_;
    return;
  }
  if (!lines_) {
    auto format = options_.format == "combined" ? import_format::combined
                  : options_.format == "ndjson" ? import_format::ndjson
                                                : guess_format(line);
    lines_ = std::make_unique<line_importer>(format, options_.site);
  }
  if (reader_->is_cut())
    return refuse(line_number_, "longer than 1 MiB");
  click_event event;
  if (auto bad = lines_->read(line_number_, line, event); !bad.empty())
    return refuse(line_number_, bad);
  append_ndjson(body_, event);
  line_numbers_.push_back(line_number_);
}

bool importer::send() {
  while (true) {
    auto answer = client_->post(target_, "application/x-ndjson", body_);
    const bool is_final = answer.status != 0 && answer.status != 429 && answer.status < 500;
    was_reached_ = was_reached_ || answer.reached;
    if (is_final) {
      sent_bytes_ += body_.size();
      const auto before = line_numbers_.size();
      read_results(answer);
      if (line_numbers_.empty())
        break;
      if (line_numbers_.size() < before)
        trouble_since_ = {};
    }
    if (!wait_before_retry(answer))
      return false;
  }
  trouble_since_ = {};
  pause_ = {};
  return true;
}

bool importer::wait_before_retry(const client_answer& answer) {
  using namespace std::chrono;
  const auto now = steady_clock::now();
  const bool first_contact = !was_reached_;
  if (trouble_since_ == steady_clock::time_point{})
    trouble_since_ = now;
  if (first_contact || now - trouble_since_ > seconds{options_.patience_s}) {
    progress_.finish();
    exit_code_ = explain_failure(answer);
    std::fprintf(stderr,
                 "footfall: stopped before line %llu; run the same import again when the node is "
                 "back, nothing counts twice\n",
                 static_cast<unsigned long long>(line_numbers_.front()));
    return false;
  }
  ++retries_;
  pause_ = std::clamp(pause_ * 2, milliseconds{100}, milliseconds{5000});
  pause_ = std::max<milliseconds>(pause_, std::min(answer.retry_after, seconds{5}));
  std::this_thread::sleep_for(pause_);
  return true;
}

void importer::read_results(const client_answer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array results;
  const bool has_results = parser.parse(answer.body).get(root) == simdjson::SUCCESS
                           && root["results"].get(results) == simdjson::SUCCESS
                           && results.size() == line_numbers_.size();
  const auto numbers = std::exchange(line_numbers_, {});
  const auto body = std::exchange(body_, {});
  auto next = has_results ? results.begin() : simdjson::dom::array::iterator{};
  size_t begin = 0;
  for (auto number : numbers) {
    const auto end = body.find('\n', begin) + 1;
    const auto event = body.substr(begin, end - begin);
    begin = end;
    if (!has_results) {
      // The batch as a whole was refused: nothing of it is stored.
      refuse(number, problem_text(answer));
      continue;
    }
    const simdjson::dom::element result = *next;
    ++next;
    std::string_view text;
    bool again = false;
    if (result["status"].get(text) == simdjson::SUCCESS && text == "accepted") {
      ++accepted_;
    } else if (result["retry"].get(again) == simdjson::SUCCESS && again) {
      line_numbers_.push_back(number);
      body_ += event;
    } else {
      text = "refused without a reason";
      if (std::string_view given; result["reason"].get(given) == simdjson::SUCCESS)
        text = given;
      refuse(number, redact(text));
    }
  }
}

void importer::refuse(uint64_t line_number, const std::string& reason) {
  ++refused_;
  if (reasons_.size() < reasons_max)
    reasons_.push_back("line " + std::to_string(line_number) + ": " + reason);
}

void importer::print_summary() const {
  const double seconds = std::chrono::duration<double>(steady_clock::now() - started_).count();
  auto row = [](const char* name, uint64_t value) {
    std::printf("%-10s %llu\n", name, static_cast<unsigned long long>(value));
  };
  row("lines", line_number_);
  row("accepted", accepted_);
  row("refused", refused_);
  if (blank_ > 0)
    row("blank", blank_);
  if (retries_ > 0)
    row("retries", retries_);
  row("bytes", sent_bytes_);
  std::printf("%-10s %.2f\n%-10s %.0f events/s\n", "seconds", seconds, "rate",
              seconds > 0 ? static_cast<double>(accepted_) / seconds : 0.0);
  for (const auto& reason : reasons_)
    std::printf("refused    %s\n", reason.c_str());
  if (refused_ > reasons_.size())
    std::printf("refused    ... and %llu more\n",
                static_cast<unsigned long long>(refused_ - reasons_.size()));
  std::fflush(stdout);
}

} // namespace

int run_import(const import_options& options) {
  std::string error;
  auto client = client_http::make(options.to, answer_timeout, error);
  if (!client) {
    std::fprintf(stderr, "footfall: --to %s\n", error.c_str());
    return 2;
  }
  auto reader = line_reader::open(options.file);
  if (!reader) {
    std::fprintf(stderr, "footfall: cannot read %s: %s\n", options.file.c_str(),
                 std::strerror(errno));
    return 2;
  }
  return importer{options, std::move(client), std::move(reader)}.run();
}

} // namespace footfall::app
