#include <cstdio>
#include <cstdlib>
#include <functional>

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "app/client_commands.hpp"
#include "app/cluster_options.hpp"
#include "app/environment.hpp"
#include "app/log.hpp"
#include "app/options.hpp"
#include "app/serve.hpp"

namespace {

using namespace footfall::app;

std::vector<std::string> notes_of_the_environment() {
  std::vector<std::string_view> entries;
  for (char** at = environ; at && *at; ++at)
    entries.emplace_back(*at);
  return environment_notes(entries);
}

std::string name_of_node(const settings& x) {
  return x.node_name.empty() ? host_name() : x.node_name;
}

int run_node(const option_flags& flags, int (*what)(const settings&)) {
  loaded_options options;
  const auto fault = load_options(flags.sources(), options);
  if (!fault.empty()) {
    std::fprintf(stderr, "footfall: %s\n", redact(fault).c_str());
    return 2;
  }
  const auto notes = notes_of_the_environment();
  if (flags.print_config()) {
    for (const auto& note : notes)
      std::fprintf(stderr, "footfall: %s\n", redact(note).c_str());
    std::fputs(describe(options).c_str(), stdout);
    return 0;
  }
  start_log(options.values.log_level, options.values.log_format, name_of_node(options.values));
  for (const auto& note : notes)
    spdlog::warn("{}", redact(note));
  const int code = what(options.values);
  stop_log();
  return code;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App program{"Footfall: click analytics that counts every acknowledged click exactly once"};
  std::function<int()> run;
  option_flags flags, migration_flags;
  auto* command = program.add_subcommand("serve", "run a node until it is told to end");
  flags.add_to(*command);
  command->callback([&] { run = [&] { return run_node(flags, serve); }; });
  command = program.add_subcommand("migrate", "bring the schema of the store that the options of "
                                              "serve name to this program's version, and end");
  migration_flags.add_to(*command);
  command->callback([&] { run = [&] { return run_node(migration_flags, migrate); }; });
  add_client_commands(program, run);
  program.require_subcommand(1);
  if (auto code = parse_arguments(program, argc, argv))
    return *code;
  return run();
}
