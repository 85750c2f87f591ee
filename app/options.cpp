#include "app/options.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "app/config_file.hpp"
#include "app/mask_passwords.hpp"

namespace footfall::app {
namespace {

constexpr std::string_view default_redis_port = "6379";

/// What a person sees of a refused value: short, on one line, never a secret.
std::string shown(const option_spec& spec, std::string_view value) {
  if (spec.secret)
    return "the value (not shown)";
  std::string text = "\"";
  for (unsigned char c : value.substr(0, 60))
    text += c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
  return text + (value.size() > 60 ? "...\"" : "\"");
}

std::string bounds_of(const option_spec& spec) {
  auto least = std::to_string(spec.least), most = std::to_string(spec.most);
  switch (spec.kind) {
  case option_kind::text:
    return "a text of " + least + " to " + most + " bytes without control characters";
  case option_kind::number: return "a whole number from " + least + " to " + most;
  case option_kind::toggle: return "on or off";
  case option_kind::choice: {
    std::string words = spec.choices;
    std::replace(words.begin(), words.end(), '|', ' ');
    return "one of: " + words;
  }
  case option_kind::address: return "host:port with a port from 1 to 65535";
  case option_kind::topic: return "1 to 249 letters, digits, dots, dashes and underscores";
  }
  return {};
}

std::optional<int64_t> number_in(std::string_view text, int64_t least, int64_t most) {
  int64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size() || value < least || value > most)
    return std::nullopt;
  return value;
}

std::optional<bool> toggle_in(std::string_view text) {
  constexpr std::array<std::string_view, 4> yes{"on", "true", "yes", "1"};
  constexpr std::array<std::string_view, 4> no{"off", "false", "no", "0"};
  if (std::find(yes.begin(), yes.end(), text) != yes.end())
    return true;
  if (std::find(no.begin(), no.end(), text) != no.end())
    return false;
  return std::nullopt;
}

bool is_choice(std::string_view words, std::string_view text) {
  while (!words.empty()) {
    auto end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == text)
      return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

bool is_text(const option_spec& spec, std::string_view text) {
  auto size = static_cast<int64_t>(text.size());
  return size >= spec.least && size <= spec.most
         && std::none_of(text.begin(), text.end(),
                         [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// The port starts after the last colon; an IPv6 address stands in brackets.
bool is_address(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return false;
  auto host = text.substr(0, colon);
  bool bracketed = host.front() == '[' && host.back() == ']' && host.size() > 2;
  return (bracketed || host.find_first_of(":[]/@ ") == std::string_view::npos)
         && number_in(text.substr(colon + 1), 1, 65535).has_value();
}

bool is_topic(std::string_view text) {
  return text != "." && text != ".." && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_valid(const option_spec& spec, std::string_view text) {
  switch (spec.kind) {
  case option_kind::text: return is_text(spec, text);
  case option_kind::number: return number_in(text, spec.least, spec.most).has_value();
  case option_kind::toggle: return toggle_in(text).has_value();
  case option_kind::choice: return is_choice(spec.choices, text);
  case option_kind::address: return text.empty() || (is_text(spec, text) && is_address(text));
  case option_kind::topic: return is_text(spec, text) && is_topic(text);
  }
  return false;
}

/// Moves a checked value to its place in the settings.
struct assign {
  settings& out;
  const option_spec& spec;
  std::string_view text;

  void operator()(std::string settings::*place) const { out.*place = text; }
  void operator()(bool settings::*place) const { out.*place = toggle_in(text).value_or(false); }
  template <class Number>
  void operator()(Number settings::*place) const {
    out.*place = static_cast<Number>(number_in(text, spec.least, spec.most).value_or(0));
  }
};

/// The first source that has the option.
effective_option find(const option_spec& spec, const option_sources& from,
                      const config_values& config) {
  if (auto flag = from.flags.find(spec.name); flag != from.flags.end())
    return {&spec, flag->second, "flag --" + flag->first};
  const char* variable = from.environment ? from.environment(spec.environment) : nullptr;
  // An empty variable is how images and shells say "not set".
  if (variable && *variable)
    return {&spec, variable, std::string{"environment "} + spec.environment};
  if (auto line = config.find(spec.name); line != config.end())
    return {&spec, line->second.value, from.config_file + ":" + std::to_string(line->second.line)};
  return {&spec, spec.initial, "default"};
}

/// REDIS_ADDR, or REDIS_HOST and REDIS_PORT where one alone stands for the usual
/// other one, as the reference has it.
void settle_redis(settings& out) {
  if (out.redis_addr.empty() && (!out.redis_host.empty() || out.redis_port != 0)) {
    auto host = out.redis_host.empty() ? "localhost" : out.redis_host;
    auto port =
        out.redis_port == 0 ? std::string{default_redis_port} : std::to_string(out.redis_port);
    out.redis_addr = (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
  }
  out.redis_host.clear();
  out.redis_port = 0;
  if (out.redis_addr.empty())
    return;
  auto colon = out.redis_addr.rfind(':');
  out.redis_host = out.redis_addr.substr(0, colon);
  if (out.redis_host.front() == '[')
    out.redis_host = out.redis_host.substr(1, out.redis_host.size() - 2);
  auto port = number_in(std::string_view{out.redis_addr}.substr(colon + 1), 1, 65535);
  out.redis_port = static_cast<uint16_t>(port.value_or(0));
}

} // namespace

std::string load_options(const option_sources& from, loaded_options& out) {
  config_values config;
  if (!from.config_file.empty())
    if (auto wrong = read_config_file(from.config_file, config); !wrong.empty())
      return wrong;
  out = {};
  for (const auto& spec : option_table()) {
    auto found = find(spec, from, config);
    if (!is_valid(spec, found.value))
      return std::string{spec.name} + ": " + shown(spec, found.value) + " from "
             + (found.source.find(':') == std::string::npos ? "the " : "") + found.source
             + " is not " + bounds_of(spec);
    std::visit(assign{out.values, spec, found.value}, spec.target);
    out.effective.push_back(std::move(found));
  }
  settle_redis(out.values);
  return {};
}

std::string describe(const loaded_options& options) {
  std::string text;
  for (const auto& option : options.effective) {
    std::string line = std::string{option.spec->name} + " = "
                       + (option.spec->secret ? mask_passwords(option.value) : option.value);
    if (line.size() < 40)
      line.resize(40, ' ');
    text += line + " # " + option.source + "\n";
  }
  return text;
}

} // namespace footfall::app
