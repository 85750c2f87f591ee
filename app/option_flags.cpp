#include <cstdio>
#include <cstdlib>
#include <sstream>

#include <CLI/CLI.hpp>

#include "app/nearest_name.hpp"
#include "app/options.hpp"
#include "proto/secrets.hpp"

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
  if (holds_secret(spec))
    text += std::string{"or "} + spec.environment + "_FILE names a file with it, ";
  return text + spec.environment + "]";
}

/// What nobody knows, without values: they may belong to a misspelled --redis-password.
std::string unknown_words(const CLI::App& program) {
  const auto commands = program.get_subcommands();
  const auto& command = commands.empty() ? program : *commands.front();
  std::vector<std::string> known;
  for (const auto* option : command.get_options())
    known.push_back(option->get_name());
  std::string flags;
  size_t others = 0;
  for (const auto& word : program.remaining(true)) {
    const auto name = word.substr(0, word.find('='));
    if (name.size() < 2 || name[0] != '-') {
      ++others;
      continue;
    }
    flags += flags.empty() ? name : ", " + name;
    if (auto meant = nearest_name(name, known); !meant.empty())
      flags += " (did you mean " + meant + "?)";
  }
  if (!flags.empty())
    return "not known: " + flags;
  return std::to_string(others) + " more " + (others == 1 ? "word" : "words")
         + " than the command takes (not shown)";
}

} // namespace

void option_flags::add_to(CLI::App& command) {
  for (const auto& spec : option_table()) {
    const bool is_toggle = spec.kind == option_kind::toggle;
    auto take = [this, name = spec.name, is_toggle](const std::string& text) {
      flags_[name] = is_toggle && text.empty() ? "on" : text;
    };
    auto* option = command.add_option_function<std::string>(std::string{"--"} + spec.name, take,
                                                            help_of(spec));
    option->type_name("");
    if (is_toggle) // Alone it means "on".
      option->expected(0, 1);
  }
  command
      .add_option("--config", config_file_,
                  "File of \"name = value\" lines, names as above without the dashes "
                  "[FOOTFALL_CONFIG]")
      ->type_name("");
  command.add_flag("--print-config", print_config_,
                   "Print the effective values and where each came from, then end");
}

option_sources process_environment() {
  option_sources from;
  from.environment = [](const char* name) -> const char* { return std::getenv(name); };
  return from;
}

option_sources option_flags::sources() const {
  auto from = process_environment();
  from.flags = flags_;
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
  } catch (const CLI::ExtrasError&) {
    std::fprintf(stderr, "footfall: %s\nRun with --help for more information.\n",
                 hide_secrets(unknown_words(program)).c_str());
    return 2;
  } catch (const CLI::ParseError& wrong) {
    std::ostringstream out, mistakes;
    // CLI11 has a code for each mistake; ours is one for all of them.
    const int code = program.exit(wrong, out, mistakes) == 0 ? 0 : 2;
    std::fputs(out.str().c_str(), stdout);
    std::fputs(hide_secrets(mistakes.str()).c_str(), stderr);
    return code;
  }
}

} // namespace footfall::app
