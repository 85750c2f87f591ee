#include "app/log.hpp"

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

/// "2026-01-02T03:04:05.678Z info  message", or the same as an object.
class line_formatter final : public spdlog::formatter {
public:
  explicit line_formatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    auto level = spdlog::level::to_string_view(message.level);
    std::string name{level.data(), level.size()};
    std::string_view payload{message.payload.data(), message.payload.size()};
    std::string line;
    if (json_) {
      line = "{\"at\":\"" + utc_text(message.time) + "\",\"level\":\"" + name
             + "\",\"message\":" + json_text(hide_secrets(payload)) + "}\n";
    } else {
      name.resize(std::max<size_t>(name.size(), 8), ' ');
      line = utc_text(message.time) + " " + name + redact(payload) + "\n";
    }
    out.append(line.data(), line.data() + line.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<line_formatter>(json_);
  }

private:
  bool json_;
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

void start_log(const std::string& level, const std::string& format) {
  // The kernel hands a signal to any thread that does not block it. The log's thread
  // blocks all, so that SIGTERM reaches whoever waits for it and never ends us there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  spdlog::init_thread_pool(queued_lines_max, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  auto logger = spdlog::create_async_nb<spdlog::sinks::stderr_sink_mt>("footfall");
  logger->set_formatter(std::make_unique<line_formatter>(format == "json"));
  logger->set_level(spdlog::level::from_str(level == "warn" ? "warning" : level));
  spdlog::set_default_logger(logger);
}

void stop_log() {
  spdlog::shutdown();
}

} // namespace footfall::app
