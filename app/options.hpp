#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/settings.hpp"

namespace CLI {
class App;
}

namespace footfall::app {

enum class option_kind : uint8_t {
  text,       ///< `least` to `most` bytes, no control characters.
  number,     ///< A whole number from `least` to `most`.
  toggle,     ///< on or off (also true, false, yes, no, 1, 0).
  choice,     ///< One of the words of `choices`.
  address,    ///< Of Redis: "host:port" or a URL, or empty.
  database,   ///< Of PostgreSQL, as libpq takes it, or empty.
  topic,      ///< A name that Kafka takes.
  hosts,      ///< Host names, separated by commas.
  properties, ///< Of librdkafka, "name=value;..."
};

using option_target = std::variant<std::string settings::*, uint16_t settings::*,
                                   uint32_t settings::*, bool settings::*>;

/// One option, declared once. Flag, config file name, checks, --help and
/// --print-config all come from here.
struct option_spec {
  const char* name;        ///< "--name" as a flag, "name" in a config file.
  const char* environment; ///< The variable that sets it.
  const char* sentence;
  const char* initial; ///< The default, as text.
  option_kind kind;
  int64_t least; ///< Bounds of a number, or of a text's length in bytes.
  int64_t most;
  const char* choices; ///< "a|b", for a choice only.
  bool secret;         ///< Never shown in whole; the variable X_FILE may name a file with it.
  option_target target;
};

/// Every option of `footfall serve`, in the order of --help.
std::span<const option_spec> option_table();

/// Where values may come from; the first that has one wins: flag, environment,
/// config file, default.
struct option_sources {
  std::map<std::string, std::string, std::less<>> flags; ///< By name, without dashes.
  std::function<const char*(const char*)> environment;   ///< Like getenv.
  std::string config_file;                               ///< Empty: none.
};

struct effective_option {
  const option_spec* spec = nullptr;
  std::string value;
  std::string source; ///< "default", "flag --x", "environment X" or "FILE:LINE".
};

struct loaded_options {
  settings values;
  std::vector<effective_option> effective; ///< In the order of the table.
};

/// Reads and checks every option.
/// @returns an empty text and fills `out`, or what is wrong, for a person: the
/// option, where the value came from and what is allowed. No secret is in it. Secrets
/// are told to hide_secrets() as soon as they are found.
std::string load_options(const option_sources& from, loaded_options& out);

/// The same for the one option `name`; fills `out` in any case.
std::string load_option(std::string_view name, const option_sources& from, effective_option& out);

/// True when its value may show a password.
bool holds_secret(const option_spec& spec);

/// The effective values and their sources, secrets masked, as a config file.
std::string describe(const loaded_options& options);

/// The environment of the process as the only source.
option_sources process_environment();

/// The flags of a subcommand: every option, --config and --print-config.
/// Must outlive the parsing of `command`.
class option_flags {
public:
  void add_to(CLI::App& command);
  /// What was given, over the process's environment.
  option_sources sources() const;
  bool print_config() const noexcept { return print_config_; }

private:
  std::map<std::string, std::string, std::less<>> flags_;
  std::string config_file_;
  bool print_config_ = false;
};

/// Parses the command line; --help and --version are answered, mistakes explained.
/// @returns the exit code when the program is to end at once (0 or 2).
std::optional<int> parse_arguments(CLI::App& program, int argc, const char* const* argv);

} // namespace footfall::app
