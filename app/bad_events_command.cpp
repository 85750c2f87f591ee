#include "app/bad_events_command.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <map>

#include "app/client_http.hpp"
#include "app/json_reading.hpp"
#include "app/table.hpp"
#include "proto/event.hpp"

namespace footfall::app {

namespace {

constexpr uint32_t page_rows = limits::list_rows;
constexpr uint32_t rows_unless_told = 100;
constexpr size_t positions_at_once = 64;
constexpr size_t record_shown = 80;

std::string text_of(simdjson::dom::element row, const char* name) {
  std::string_view out;
  return row[name].get(out) == simdjson::SUCCESS ? std::string{out} : std::string{};
}

bool is_true(simdjson::dom::element root, const char* name) {
  bool out = false;
  return root[name].get(out) == simdjson::SUCCESS && out;
}

bool read_position(const std::string& text, position& out) {
  std::vector<position> read;
  if (!parse_positions(text, read) || read.size() != 1)
    return false;
  out = read[0];
  return true;
}

/// Goes through pages until `use` wants no more or there are none.
/// @returns 0, or the exit code of what went wrong.
template <class Ask, class Use>
int each_page(bool as_json, Ask ask, Use use) {
  bool go_on = true;
  int code = 0;
  while (go_on && code == 0)
    code = print_answer(ask(), false, [&](simdjson::dom::element root) {
      if (as_json)
        std::puts(simdjson::minify(root).c_str());
      go_on = use(root);
      return 0;
    });
  return code;
}

/// A record as one line: itself where that is one, else an object that has it.
std::string raw_line(simdjson::dom::element row) {
  const auto text = text_of(row, "text");
  if (text.find_first_of("\r\n") == std::string::npos
      && text.find_first_not_of(" \t") != std::string::npos)
    return text;
  simdjson::dom::parser parser;
  simdjson::dom::element record;
  if (!text.empty() && parser.parse(text).get(record) == simdjson::SUCCESS)
    return simdjson::minify(record);
  simdjson::dom::element bytes;
  const auto* name = row["text"].get(bytes) == simdjson::SUCCESS ? "text" : "base64";
  std::string out = "{\"position\":" + simdjson::minify(row["position"]) + ",\"";
  return out + name + "\":" + simdjson::minify(row[name]) + '}';
}

void add_row(table& to, simdjson::dom::element row) {
  auto record = text_of(row, "text");
  if (record.size() > record_shown) {
    auto cut = record_shown;
    while ((record[cut] & 0xc0) == 0x80)
      --cut;
    record = record.substr(0, cut) + "...";
  }
  to.add({text_of(row, "position"), text_of(row, "at"), member_text(row, "bytes"),
          member_text(row, "redriven"), text_of(row, "reason"), record});
}

int list(client_http& client, const bad_events_options& options) {
  table out{{"position", "at", "bytes", "redriven", "reason", "record"}};
  uint64_t left = options.limit != 0 ? options.limit : rows_unless_told;
  if (options.raw && options.limit == 0)
    left = std::numeric_limits<uint64_t>::max();
  bool more = false;
  std::string after;
  auto ask = [&] {
    std::string target = "/admin/bad-events?limit=";
    target += std::to_string(std::min<uint64_t>(left, page_rows));
    target += options.open ? "&open=true" : "";
    return client.get(after.empty() ? target : target + "&after=" + after);
  };
  auto use = [&](simdjson::dom::element root) {
    simdjson::dom::array rows;
    if (root["bad_events"].get(rows) == simdjson::SUCCESS)
      for (auto row : rows) {
        --left;
        if (options.raw)
          std::puts(raw_line(row).c_str());
        else
          add_row(out, row);
      }
    after = text_of(root, "next");
    more = is_true(root, "more");
    return more && left > 0;
  };
  const int code = each_page(options.json, ask, use);
  if (!options.raw && !options.json && (code == 0 || out.rows() > 0))
    std::fputs(out.text().c_str(), stdout);
  if (more && code == 0)
    std::fputs("there are more; raise --limit\n", options.raw || options.json ? stderr : stdout);
  return code;
}

/// Re-drives and sums up what became of it.
class redrive_run {
public:
  redrive_run(client_http& client, const bad_events_options& options)
      : client_(client), options_(options) {}

  int run() {
    const int code = options_.positions.empty() ? run_all() : run_named();
    if (!options_.json) {
      if (left_.rows() > 0)
        std::fputs(left_.text().c_str(), stdout);
      std::printf("redriven  %llu\nleft      %llu\n", count(redriven_), count(count_left_));
    }
    return code != 0 ? code : count_left_ > 0 ? 1 : 0;
  }

private:
  static unsigned long long count(uint64_t x) { return x; }

  client_answer post(const std::string& query) {
    return client_.post("/admin/bad-events/redrive" + query, "text/plain", "");
  }

  int run_named() {
    size_t begin = 0;
    auto ask = [&] {
      std::string query = "?positions=";
      const auto end = std::min(begin + positions_at_once, options_.positions.size());
      for (size_t i = begin; i < end; ++i)
        query += (i > begin ? "," : "") + options_.positions[i];
      begin = end;
      return post(query);
    };
    return each_page(options_.json, ask, [&](simdjson::dom::element root) {
      take(root);
      return begin < options_.positions.size();
    });
  }

  int run_all() {
    position after;
    auto ask = [&] { return post(after.offset < 0 ? "" : "?after=" + to_string(after)); };
    return each_page(options_.json, ask, [&](simdjson::dom::element root) {
      take(root);
      if (!is_true(root, "more") || !read_position(text_of(root, "next"), after))
        return false;
      // What the store refuses again stands behind all that was there before.
      auto own = first_written_.find(after.partition);
      if (own != first_written_.end() && after.offset >= own->second)
        after.offset = std::numeric_limits<int64_t>::max();
      return true;
    });
  }

  void take(simdjson::dom::element root) {
    simdjson::dom::array results;
    if (root["results"].get(results) != simdjson::SUCCESS)
      return;
    for (auto row : results) {
      if (text_of(row, "status") != "accepted") {
        ++count_left_;
        if (left_.rows() < (options_.limit != 0 ? options_.limit : rows_unless_told))
          left_.add({text_of(row, "bad_event"), text_of(row, "status"), text_of(row, "reason")});
        continue;
      }
      ++redriven_;
      if (position to; read_position(text_of(row, "position"), to)) {
        auto [at, fresh] = first_written_.emplace(to.partition, to.offset);
        at->second = std::min(at->second, to.offset);
      }
    }
  }

  client_http& client_;
  const bad_events_options& options_;
  table left_{{"position", "status", "reason"}};
  uint64_t redriven_ = 0;
  uint64_t count_left_ = 0;
  std::map<uint32_t, int64_t> first_written_; ///< By this run, in each partition.
};

std::string wrong_with(const bad_events_options& x) {
  if (!x.positions.empty() && !x.redrive)
    return "positions say what to re-drive; add --redrive";
  if (x.redrive && (x.raw || x.open))
    return "--raw and --open are for the list; leave --redrive out";
  if (x.raw && x.json)
    return "--raw and --json are two forms; choose one";
  for (const auto& text : x.positions)
    if (position at; !read_position(text, at))
      return '"' + text + "\" is not a position like 0:17";
  return {};
}

} // namespace

int run_bad_events(const bad_events_options& options) {
  std::string error = wrong_with(options);
  std::unique_ptr<client_http> client;
  // Longer than the node works on one request.
  if (error.empty())
    client = client_http::make(options.url, std::chrono::seconds{90}, error);
  if (!client) {
    std::fprintf(stderr, "footfall: %s\n", error.c_str());
    return 2;
  }
  return options.redrive ? redrive_run{*client, options}.run() : list(*client, options);
}

} // namespace footfall::app
