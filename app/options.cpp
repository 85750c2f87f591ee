#include "app/options.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "app/addresses.hpp"
#include "app/cluster_options.hpp"
#include "app/config_file.hpp"
#include "app/kafka_options.hpp"
#include "proto/secrets.hpp"

namespace footfall::app {
namespace {

constexpr std::string_view default_redis_port = "6379";
constexpr size_t secret_bytes_max = 4095;

/// What a person sees of a refused value: short, on one line, never a secret. What may
/// be an address with a password is none either, whatever option it was given to.
std::string shown(const option_spec& spec, std::string_view value) {
  if (spec.secret || value.find('@') != std::string_view::npos
      || value.find("://") != std::string_view::npos
      || value.find("password") != std::string_view::npos)
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
  case option_kind::address:
  case option_kind::database:
  case option_kind::properties: break; // Their readers say it.
  case option_kind::hosts: return "host names with commas between, without scheme, port and path";
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

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

/// The word of "a|b" that `text` is, in letters of either size; empty when it is none.
std::string_view choice_in(std::string_view words, std::string_view text) {
  while (!words.empty()) {
    auto end = std::min(words.find('|'), words.size());
    if (same_letters(words.substr(0, end), text))
      return words.substr(0, end);
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return {};
}

bool is_text(const option_spec& spec, std::string_view text) {
  auto size = static_cast<int64_t>(text.size());
  return size >= spec.least && size <= spec.most
         && std::none_of(text.begin(), text.end(),
                         [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_topic(std::string_view text) {
  return text != "." && text != ".." && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

bool are_hosts(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == ',' || c == ' ';
  });
}

/// What is wrong with a value, behind "the value from its source"; empty: nothing.
std::string fault_of(const option_spec& spec, const std::string& text) {
  auto unless = [&spec](bool valid) { return valid ? "" : "is not " + bounds_of(spec); };
  switch (spec.kind) {
  case option_kind::text: return unless(is_text(spec, text));
  case option_kind::number: return unless(number_in(text, spec.least, spec.most).has_value());
  case option_kind::toggle: return unless(toggle_in(text).has_value());
  case option_kind::choice: return unless(!choice_in(spec.choices, text).empty());
  case option_kind::hosts: return unless(is_text(spec, text) && are_hosts(text));
  case option_kind::topic: return unless(is_text(spec, text) && is_topic(text));
  case option_kind::address: {
    if (text.empty())
      return {};
    auto fault = is_text(spec, text) ? read_redis_address(text).fault : "a text without controls";
    return fault.empty() ? fault : "is not usable: " + fault;
  }
  case option_kind::database:
    if (!is_text(spec, text))
      return "is not a text of at most " + std::to_string(spec.most)
             + " bytes without control characters";
    return text.empty() ? "" : read_database_address(text).fault;
  case option_kind::properties: {
    auto fault =
        is_text(spec, text) ? read_kafka_properties(text).fault : "a text without controls";
    return fault.empty() ? fault : "is not usable: " + fault;
  }
  }
  return {};
}

/// Moves a checked value to its place in the settings.
struct assign {
  settings& out;
  const option_spec& spec;
  std::string_view text;

  void operator()(std::string settings::*place) const {
    out.*place = spec.kind == option_kind::choice ? choice_in(spec.choices, text) : text;
  }
  void operator()(bool settings::*place) const { out.*place = toggle_in(text).value_or(false); }
  template <class Number>
  void operator()(Number settings::*place) const {
    out.*place = static_cast<Number>(number_in(text, spec.least, spec.most).value_or(0));
  }
};

/// The first line of `path`, which holds a secret, whatever ends it.
std::string read_secret_file(const std::string& path, std::string& out) {
  std::ifstream file{path};
  std::string line;
  if (!file || !(std::getline(file, out) || file.eof()))
    return std::string{"cannot be read ("} + std::strerror(errno) + ")";
  if (!out.empty() && out.back() == '\r')
    out.pop_back();
  if (out.size() > secret_bytes_max)
    return "is longer than " + std::to_string(secret_bytes_max) + " bytes";
  return std::getline(file, line) ? "has more than one line" : "";
}

/// A secret from the file that the variable X_FILE names.
std::string find_in_file(const option_spec& spec, const option_sources& from, const char* variable,
                         effective_option& out) {
  const auto name = std::string{spec.environment} + "_FILE";
  const char* path =
      holds_secret(spec) && from.environment ? from.environment(name.c_str()) : nullptr;
  if (!path || !*path)
    return {};
  if (variable && *variable)
    return std::string{spec.environment} + " and " + name + " are both set; unset one of them";
  out.source = "file " + std::string{path} + " (" + name + ")";
  if (auto wrong = read_secret_file(path, out.value); !wrong.empty())
    return std::string{spec.name} + ": the " + out.source + " " + wrong;
  return {};
}

/// The first source that has the option. @returns what is wrong.
std::string find(const option_spec& spec, const option_sources& from, const config_values& config,
                 effective_option& out) {
  out = {&spec, spec.initial, "default"};
  if (auto flag = from.flags.find(spec.name); flag != from.flags.end()) {
    out = {&spec, flag->second, "flag --" + flag->first};
    return {};
  }
  if (auto line = config.find(spec.name); line != config.end())
    out = {&spec, line->second.value, from.config_file + ":" + std::to_string(line->second.line)};
  const char* variable = from.environment ? from.environment(spec.environment) : nullptr;
  if (auto wrong = find_in_file(spec, from, variable, out); !wrong.empty())
    return wrong;
  // An empty variable is how images and shells say "not set".
  if (variable && *variable && !(spec.kind == option_kind::number && is_service_link(variable)))
    out = {&spec, variable, std::string{"environment "} + spec.environment};
  return {};
}

/// From here on no text shows what is secret in it, refusals of it included.
void learn_secrets(const option_spec& spec, const std::string& value) {
  if (spec.kind == option_kind::database) {
    for (const auto& x : read_database_address(value).secrets)
      know_secret(x);
  } else if (spec.kind == option_kind::address) {
    know_secret(read_redis_address(value).password);
  } else if (spec.kind == option_kind::properties) {
    for (const auto& x : read_kafka_properties(value).secrets)
      know_secret(x);
  } else if (spec.secret) {
    know_secret(value);
  }
}

/// REDIS_ADDR, or REDIS_HOST and REDIS_PORT where one alone stands for the usual
/// other one, as the reference has it. A user and a password of their own win over
/// those of the address.
std::string settle_redis(settings& out) {
  if (out.redis_host.find_first_of("/@ ") != std::string::npos)
    return "redis-host: the value (not shown) is not a host alone; a URL goes into --redis-addr "
           "(REDIS_ADDR)";
  if (out.redis_addr.empty() && (!out.redis_host.empty() || out.redis_port != 0)) {
    auto host = out.redis_host.empty() ? "localhost" : out.redis_host;
    auto port =
        out.redis_port == 0 ? std::string{default_redis_port} : std::to_string(out.redis_port);
    out.redis_addr = (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
  }
  out.redis_host.clear();
  out.redis_port = 0;
  if (out.redis_addr.empty())
    return {};
  auto parts = read_redis_address(out.redis_addr);
  out.redis_host = std::move(parts.host);
  out.redis_port = parts.port;
  if (out.redis_username.empty())
    out.redis_username = std::move(parts.username);
  if (out.redis_password.empty())
    out.redis_password = std::move(parts.password);
  if (!out.redis_username.empty() && out.redis_password.empty())
    return "redis-username: a user without a password; give --redis-password (REDIS_PASSWORD)";
  return {};
}

std::string check_tls(const settings& x) {
  if (x.tls_certificate.empty() == x.tls_key.empty())
    return {};
  return x.tls_key.empty() ? "tls-cert: give the certificate's key too (--tls-key)"
                           : "tls-key: give the certificate too (--tls-cert)";
}

/// A Kafka topic is there to hold what a store in trouble cannot take; only who says so
/// has events refused instead.
void settle_lag_limit(loaded_options& out) {
  if (out.values.kafka_broker.empty())
    return;
  for (auto& option : out.effective)
    if (std::string_view{option.spec->name} == "lag-limit" && option.source == "default") {
      option.value = "0";
      option.source = "default with Kafka";
      out.values.lag_limit_s = 0;
    }
}

std::string origin(const effective_option& x) {
  return (x.source.find(':') == std::string::npos ? "the " : "") + x.source;
}

/// Options whose names begin with `prefix` say something only to what is `used`.
struct purpose {
  std::string_view prefix;
  bool (*used)(const settings&);
  const char* wanted;
};

constexpr purpose purposes[] = {
    {"kafka-security-", [](const settings& x) { return !x.kafka_broker.empty(); },
     "--kafka-broker (KAFKA_BROKER)"},
    {"kafka-properties", [](const settings& x) { return !x.kafka_broker.empty(); },
     "--kafka-broker (KAFKA_BROKER)"},
    {"kafka-min-insync-", [](const settings& x) { return !x.kafka_broker.empty(); },
     "--kafka-broker (KAFKA_BROKER)"},
    {"kafka-sasl-token-", [](const settings& x) { return x.kafka_sasl_mechanism == "OAUTHBEARER"; },
     "--kafka-sasl-mechanism (KAFKA_SASL_MECHANISM) OAUTHBEARER"},
    {"kafka-sasl-username",
     [](const settings& x) { return x.kafka_sasl_mechanism != "OAUTHBEARER"; },
     "a --kafka-sasl-mechanism (KAFKA_SASL_MECHANISM) that takes it, which OAUTHBEARER does not"},
    {"kafka-sasl-password",
     [](const settings& x) { return x.kafka_sasl_mechanism != "OAUTHBEARER"; },
     "a --kafka-sasl-mechanism (KAFKA_SASL_MECHANISM) that takes it, which OAUTHBEARER does not"},
    {"kafka-sasl-",
     [](const settings& x) { return x.kafka_security_protocol.rfind("sasl", 0) == 0; },
     "--kafka-security-protocol (KAFKA_SECURITY_PROTOCOL) sasl_plaintext or sasl_ssl"},
    {"kafka-ssl-",
     [](const settings& x) { return x.kafka_security_protocol.find("ssl") != std::string::npos; },
     "--kafka-security-protocol (KAFKA_SECURITY_PROTOCOL) ssl or sasl_ssl"},
    {"cluster-", [](const settings& x) { return !x.cluster_listen.empty(); },
     "--cluster-listen (FOOTFALL_CLUSTER_LISTEN)"},
    {"roles", [](const settings& x) { return !x.cluster_listen.empty(); },
     "--cluster-listen (FOOTFALL_CLUSTER_LISTEN)"},
    {"node-name", [](const settings& x) { return !x.cluster_listen.empty(); },
     "--cluster-listen (FOOTFALL_CLUSTER_LISTEN)"},
    {"lease-seconds", [](const settings& x) { return !x.cluster_listen.empty(); },
     "--cluster-listen (FOOTFALL_CLUSTER_LISTEN)"},
    {"redis-username", [](const settings& x) { return !x.redis_addr.empty(); },
     "--redis-addr (REDIS_ADDR) or --redis-host (REDIS_HOST)"},
    {"redis-password", [](const settings& x) { return !x.redis_addr.empty(); },
     "--redis-addr (REDIS_ADDR) or --redis-host (REDIS_HOST)"},
};

/// What somebody set, to be safe perhaps, and nothing would use.
std::string idle_option(const loaded_options& all) {
  for (const auto& option : all.effective)
    for (const auto& x : purposes)
      if (std::string_view{option.spec->name}.rfind(x.prefix, 0) == 0
          && !same_letters(option.value, option.spec->initial) && !x.used(all.values))
        return std::string{option.spec->name} + ": what " + origin(option)
               + " says is of no use without " + x.wanted;
  return {};
}

/// Finds a value and checks it. @returns what is wrong.
std::string find_good(const option_spec& spec, const option_sources& from,
                      const config_values& config, effective_option& out) {
  if (auto wrong = find(spec, from, config, out); !wrong.empty())
    return wrong;
  learn_secrets(spec, out.value);
  if (auto wrong = fault_of(spec, out.value); !wrong.empty())
    return std::string{spec.name} + ": " + shown(spec, out.value) + " from " + origin(out) + " "
           + wrong;
  return {};
}

} // namespace

std::string load_option(std::string_view name, const option_sources& from, effective_option& out) {
  const auto table = option_table();
  const auto spec =
      std::find_if(table.begin(), table.end(), [name](const auto& x) { return x.name == name; });
  assert(spec != table.end());
  return find_good(*spec, from, {}, out);
}

std::string load_options(const option_sources& from, loaded_options& out) {
  config_values config;
  if (!from.config_file.empty())
    if (auto wrong = read_config_file(from.config_file, config); !wrong.empty())
      return wrong;
  // libpq takes it from here where the address has none.
  if (const char* password = from.environment ? from.environment("PGPASSWORD") : nullptr)
    know_secret(password);
  out = {};
  for (const auto& spec : option_table()) {
    effective_option found;
    if (auto wrong = find_good(spec, from, config, found); !wrong.empty())
      return wrong;
    std::visit(assign{out.values, spec, found.value}, spec.target);
    out.effective.push_back(std::move(found));
  }
  settle_lag_limit(out);
  auto wrong = settle_redis(out.values);
  if (wrong.empty())
    wrong = settle_kafka(out.values);
  if (wrong.empty())
    wrong = settle_cluster(out.values);
  if (wrong.empty())
    wrong = check_tls(out.values);
  return wrong.empty() ? idle_option(out) : wrong;
}

bool holds_secret(const option_spec& spec) {
  return spec.secret || spec.kind == option_kind::address;
}

std::string describe(const loaded_options& options) {
  std::string text;
  for (const auto& option : options.effective) {
    std::string line = std::string{option.spec->name} + " = "
                       + (holds_secret(*option.spec) ? hide_secrets(option.value) : option.value);
    if (line.size() < 40)
      line.resize(40, ' ');
    text += line + " # " + option.source + "\n";
  }
  return text;
}

} // namespace footfall::app
