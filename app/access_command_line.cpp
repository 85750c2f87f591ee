#include "app/access_command_line.hpp"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/access_commands.hpp"
#include "app/options.hpp"

namespace footfall::app {

namespace {

/// Adds one of the verbs of `site` and `key`, on the store that its flags or the environment name.
CLI::App& add_access_verb(CLI::App& noun, const char* verb, const char* sentence,
                          const std::shared_ptr<access_options>& x,
                          int (*function)(const access_options&), std::function<int()>& run) {
  auto& command = *noun.add_subcommand(verb, sentence);
  command.add_option("--data-dir", x->from.flags["data-dir"],
                     "The node's data folder, of one that is embedded");
  command.add_option("--database-url", x->from.flags["database-url"],
                     "PostgreSQL, of one that is not; better in DATABASE_URL");
  command.callback([&run, x, function, verb] {
    std::erase_if(x->from.flags, [](const auto& flag) { return flag.second.empty(); });
    // Who names a folder means that one, whatever the environment says for nodes.
    if (x->from.flags.contains("data-dir") && !x->from.flags.contains("database-url"))
      x->from.flags["database-url"] = "";
    x->from.environment = process_environment().environment;
    x->what = verb;
    run = [=] { return function(*x); };
  });
  return command;
}

void add_site(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<access_options>();
  auto& noun = *program.add_subcommand("site", "Make or list the sites that keys are made for");
  noun.require_subcommand(1);
  auto* command = &add_access_verb(noun, "add", "Make a site", x, run_site, run);
  command->add_option("site", x->site, "Its id")->required();
  command = &add_access_verb(noun, "list", "List the sites", x, run_site, run);
  command->add_flag("--json", x->json, "Print it as JSON");
}

void add_key(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<access_options>();
  auto& noun = *program.add_subcommand("key", "Make, list, rotate or revoke keys of programs");
  noun.require_subcommand(1);
  noun.footer(
      "Nodes know of a change within 5 s. Exit codes: 0 done; 1 it cannot be done; 2 usage; "
      "3 the store is away.");
  auto* command =
      &add_access_verb(noun, "add", "Make a key; its text is printed once", x, run_key, run);
  command->add_option("--site", x->site, "The site it is for; '*' for all")->required();
  command->add_option("--role", x->role, "ingest sends events, read asks, admin may both")
      ->check(CLI::IsMember({"ingest", "read", "admin"}))
      ->required();
  command->add_option("--name", x->name, "What it is for, for people");
  command->add_option("--rate", x->rate,
                      "Events or questions a second and node, like 50/s; five seconds' worth may "
                      "come at once. A read key has 20/s, others no limit");
  command->add_option("--expires", x->expires, "How long it lasts, like 90d; else for ever");
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "list", "List the keys, without their secrets", x, run_key, run);
  command->add_option("--site", x->site, "Only those of this site");
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "rotate", "Make another key like this one, which goes on", x,
                             run_key, run);
  command->add_option("id", x->id, "The old one's id")->required();
  command->add_flag("--json", x->json, "Print it as JSON");
  command =
      &add_access_verb(noun, "revoke", "Have nodes refuse a key from now on", x, run_key, run);
  command->add_option("id", x->id, "Its id")->required();
}

void add_share(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<access_options>();
  auto& noun =
      *program.add_subcommand("share", "Links that show a site's numbers to whoever has it");
  noun.require_subcommand(1);
  noun.footer(
      "A link shows counts, pages and what happens now, and no user. Nodes know of a change "
      "within 5 s, and show links where they ask for keys (see serve --auth).");
  auto* command =
      &add_access_verb(noun, "add", "Make a link; it is printed once", x, run_share, run);
  command->add_option("--site", x->site, "The site that it shows")->required();
  command->add_option("--name", x->name, "What it is for, for people");
  command->add_option("--expires", x->expires, "How long it lasts, like 90d; else for ever");
  command->add_flag("--json", x->json, "Print it as JSON");
  command =
      &add_access_verb(noun, "list", "List the links, without their secrets", x, run_share, run);
  command->add_option("--site", x->site, "Only those of this site");
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "rm", "Have nodes refuse a link from now on", x, run_share, run);
  command->add_option("id", x->id, "Its id")->required();
}

void add_counter(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<access_options>();
  auto& noun = *program.add_subcommand(
      "counter", "Pages whose counts anybody may see, as JSON or as a picture");
  noun.require_subcommand(1);
  noun.footer("A counter is at /c/SITE/PAGE.json and .svg of the query port, with PAGE "
              "percent-encoded; web pages of any origin may show it. Nodes know of a change within "
              "5 s, and show counters where they ask for keys (see serve --auth).");
  auto* command =
      &add_access_verb(noun, "add", "Have pages show their counts", x, run_counter, run);
  command->add_option("--site", x->site, "The site of the pages")->required();
  command->add_option("pages", x->name, "A page, or what pages begin with and a '*'")->required();
  command->add_option("--expires", x->expires, "How long it lasts, like 90d; else for ever");
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "list", "List the pages that show them", x, run_counter, run);
  command->add_option("--site", x->site, "Only those of this site");
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "rm", "Have the pages show them no more", x, run_counter, run);
  command->add_option("id", x->id, "Its id")->required();
}

void add_user(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<access_options>();
  auto& noun = *program.add_subcommand("user", "People who may sign in to the dashboard");
  noun.require_subcommand(1);
  noun.footer(
      "A password is the first line of standard input, and has 12 characters at least. Nodes "
      "know of a change within 5 s.");
  auto* command = &add_access_verb(noun, "add", "Let somebody sign in", x, run_user, run);
  command->add_option("name", x->name, "Their name")->required();
  command->add_option("--role", x->role, "viewer sees counts, admin changes things as well")
      ->check(CLI::IsMember({"viewer", "admin"}))
      ->required();
  command->add_option("--site", x->site, "The site; '*' for all")->required();
  command = &add_access_verb(noun, "list", "List who may sign in", x, run_user, run);
  command->add_flag("--json", x->json, "Print it as JSON");
  command = &add_access_verb(noun, "passwd", "Give somebody another password; ends their sessions",
                             x, run_user, run);
  command->add_option("name", x->name, "Their name")->required();
  command = &add_access_verb(noun, "rm", "Let somebody sign in no more", x, run_user, run);
  command->add_option("name", x->name, "Their name")->required();
}

} // namespace

void add_access_commands(CLI::App& program, std::function<int()>& run) {
  add_site(program, run);
  add_key(program, run);
  add_share(program, run);
  add_counter(program, run);
  add_user(program, run);
}

} // namespace footfall::app
