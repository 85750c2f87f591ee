#include "app/log.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <iterator>

#include <simdjson.h>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "proto/secrets.hpp"

namespace footfall::app {
namespace {

constexpr size_t queued_lines_max = 8192;

std::string escaped(std::string_view text, std::string_view also) {
  std::string out;
  out.reserve(text.size());
  for (unsigned char c : text) {
    if (c < 0x20 || c == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : code;
      continue;
    }
    if (also.find(static_cast<char>(c)) != std::string_view::npos)
      out += '\\';
    out += static_cast<char>(c);
  }
  return out;
}

std::string utc_text(spdlog::log_clock::time_point at) {
  using namespace std::chrono;
  auto ms = duration_cast<milliseconds>(at.time_since_epoch()).count();
  std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[40];
  ::gmtime_r(&seconds, &parts);
  auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<size_t>(
      std::snprintf(text + size, sizeof text - size, ".%03dZ", static_cast<int>(ms % 1000)));
  return {text, size};
}

/// Before each of the fields that log_of() adds. Messages are redacted: there it stands nowhere.
constexpr char field_mark = '\x1e';

/// What log_of() put into one string, as spdlog takes no more.
struct told_line {
  std::string_view message, actor, trace, span;

  explicit told_line(std::string_view packed) {
    for (auto* part : {&message, &actor, &trace, &span}) {
      const auto end = std::min(packed.find(field_mark), packed.size());
      *part = packed.substr(0, end);
      packed.remove_prefix(std::min(end + 1, packed.size()));
    }
  }
};

spdlog::level::level_enum level_of(severity x) {
  return x == severity::info   ? spdlog::level::info
         : x == severity::warn ? spdlog::level::warn
                               : spdlog::level::err;
}

/// "2026-01-02T03:04:05.678Z info  message", or the same as an object.
class line_formatter final : public spdlog::formatter {
public:
  line_formatter(bool json, std::string node) : json_(json), node_(std::move(node)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    auto level = spdlog::level::to_string_view(message.level);
    std::string name{level.data(), level.size()};
    const told_line told{{message.payload.data(), message.payload.size()}};
    std::string line;
    if (json_) {
      line = "{\"at\":\"" + utc_text(message.time) + "\",\"level\":\"" + name
             + "\",\"node\":" + json_text(node_);
      add(line, "actor", told.actor);
      add(line, "trace_id", told.trace);
      add(line, "span_id", told.span);
      line += ",\"message\":" + json_text(hide_secrets(told.message)) + "}\n";
    } else {
      name.resize(std::max<size_t>(name.size(), 8), ' ');
      line = utc_text(message.time) + " " + name;
      if (!told.trace.empty()) // What it was is said first: the message names nobody.
        line += std::string(told.actor) + ": ";
      line += redact(told.message);
      if (!told.trace.empty())
        line += " (trace " + std::string(told.trace) + ")";
      line += '\n';
    }
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<line_formatter>(json_, node_);
  }

private:
  static void add(std::string& line, const char* name, std::string_view value) {
    if (!value.empty())
      line += std::string(",\"") + name + "\":" + json_text(value);
  }

  bool json_;
  std::string node_;
};

} // namespace

std::string redact(std::string_view message) {
  return escaped(hide_secrets(message), "");
}

std::string json_text(std::string_view text) {
  std::string copy{text};
  if (!simdjson::validate_utf8(copy))
    for (char& c : copy)
      if (static_cast<unsigned char>(c) >= 0x80)
        c = '?';
  return "\"" + escaped(copy, "\"\\") + "\"";
}

void log_of(severity level, std::string_view actor, std::string_view message,
            const trace_context& trace) {
  auto line = redact(message);
  (line += field_mark) += actor;
  if (trace) {
    (line += field_mark) += trace_id(trace);
    (line += field_mark) += span_id(trace);
  }
  spdlog::log(level_of(level), "{}", line);
}

void start_log(const std::string& level, const std::string& format, const std::string& node) {
  // The kernel hands a signal to any thread that does not block it. The log's thread
  // blocks all, so that SIGTERM reaches whoever waits for it and never ends us there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  spdlog::init_thread_pool(queued_lines_max, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  auto logger = spdlog::create_async_nb<spdlog::sinks::stderr_sink_mt>("footfall");
  logger->set_formatter(std::make_unique<line_formatter>(format == "json", node));
  logger->set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
  spdlog::set_default_logger(logger);
}

void stop_log() {
  spdlog::shutdown();
}

} // namespace footfall::app
