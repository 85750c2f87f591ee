#include <cstdlib>

#include <CLI/CLI.hpp>

#include "app/options.hpp"

namespace footfall::app {
namespace {

std::string help_of(const option_spec& spec) {
  std::string text = spec.sentence;
  text += " [";
  if (spec.kind == option_kind::number)
    text += std::to_string(spec.least) + " to " + std::to_string(spec.most) + ", ";
  if (spec.kind == option_kind::choice)
    text += std::string{spec.choices} + ", ";
  if (spec.kind == option_kind::toggle)
    text += "on|off, ";
  if (*spec.initial)
    text += std::string{"default "} + spec.initial + ", ";
  return text + spec.environment + "]";
}

} // namespace

void option_flags::add_to(CLI::App& command) {
  for (const auto& spec : option_table())
    command
        .add_option_function<std::string>(
            std::string{"--"} + spec.name,
            [this, name = spec.name](const std::string& text) { flags_[name] = text; },
            help_of(spec))
        ->type_name("");
  command
      .add_option("--config", config_file_,
                  "File of \"name = value\" lines, names as above without the dashes "
                  "[FOOTFALL_CONFIG]")
      ->type_name("");
  command.add_flag("--print-config", print_config_,
                   "Print the effective values and where each came from, then end");
}

option_sources option_flags::sources() const {
  option_sources from;
  from.flags = flags_;
  from.environment = [](const char* name) -> const char* { return std::getenv(name); };
  from.config_file = config_file_;
  const char* variable = std::getenv("FOOTFALL_CONFIG");
  if (from.config_file.empty() && variable)
    from.config_file = variable;
  return from;
}

std::optional<int> parse_arguments(CLI::App& program, int argc, const char* const* argv) {
  program.set_version_flag("--version", std::string{"footfall "} + FOOTFALL_VERSION,
                           "Print the version, then end");
  try {
    program.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& wrong) {
    // CLI11 has a code for each mistake; ours is one for all of them.
    return program.exit(wrong) == 0 ? 0 : 2;
  }
}

} // namespace footfall::app
