#include "app/client_commands.hpp"

#include <limits>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/access_command_line.hpp"
#include "app/actors_command.hpp"
#include "app/audit_command.hpp"
#include "app/backup_command.hpp"
#include "app/bad_events_command.hpp"
#include "app/certs_command.hpp"
#include "app/cluster_command.hpp"
#include "app/health_command.hpp"
#include "app/import/import.hpp"
#include "app/import/log_format.hpp"
#include "app/options.hpp"
#include "app/partitions_command.hpp"
#include "app/stats_command.hpp"

namespace footfall::app {

namespace {

/// Lets a person say which node is meant, by its listener. Unless it is said, or `instead`
/// makes it needless, it is the one of this machine, at the port that `serve` takes from the
/// environment: that must be one then.
void add_address(CLI::App& command, const std::string& flag, const std::string& listener,
                 std::string& address, const CLI::Option* instead = nullptr) {
  effective_option port;
  auto wrong = load_option(listener + "-port", process_environment(), port);
  if (wrong.empty() && port.value == "0")
    wrong = listener + "-port: 0 from the " + port.source + " is any free port";
  address = "http://127.0.0.1:" + port.value;
  auto* option = command.add_option(flag, address, "The node's " + listener + " address");
  if (wrong.empty())
    option->capture_default_str();
  else
    command.parse_complete_callback([=] {
      if (option->count() == 0 && (!instead || instead->count() == 0))
        throw CLI::ValidationError(wrong + "; " + flag + " says where the node is");
    });
}

template <class Options>
void run_with(CLI::App& command, std::shared_ptr<Options> options, int (*function)(const Options&),
              std::function<int()>& run) {
  command.callback([&run, options, function] { run = [=] { return function(*options); }; });
}

void add_import(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<import_options>();
  auto& command = *program.add_subcommand(
      "import", "Send access logs or events to a running node; safe to repeat");
  std::vector<std::string> formats;
  for (const auto& format : format_choices())
    formats.emplace_back(format.name);
  command
      .add_option("file", x->files,
                  "The files, perhaps packed with gzip or zstd; - reads standard input")
      ->required();
  command
      .add_option("--format", x->format,
                  "What the lines are; else the first 100 decide. combined and common are access "
                  "logs, with or without the virtual host in front")
      ->check(CLI::IsMember(formats));
  command.add_option("--source", x->source,
                     "The server whose log it is. Part of a line's identity: the same line of two "
                     "sources counts twice, of one source once");
  command.add_flag("--final", x->final,
                   "Take a last line without its newline; else it is left for the next run, when "
                   "it may have grown");
  command.add_flag("--follow", x->follow,
                   "Go on with what is added to the file, through rotation, until Ctrl-C");
  command.add_flag("--only-pages", x->only_pages,
                   "Leave out what is no page view: methods other than GET, answers other than "
                   "2xx and 304, and files that pages are made of (styles, scripts, images, fonts, "
                   "videos, robots.txt)");
  command.add_flag("--skip-bots", x->skip_bots,
                   "Leave out crawlers, monitors and HTTP libraries, by their user agents");
  command.add_flag("--arrival-time", x->arrival_time,
                   "Take events whose time stands in a field that is not read (timestamp, time, "
                   "ts, created_at) as of their arrival; else they are refused");
  command.add_option("--refused", x->refused, "Write refused lines to this file, as they are");
  add_address(command, "--to", "ingest", x->to);
  command.add_option("--site", x->site, "The site that the events belong to");
  command.add_option("--patience", x->patience_s, "Seconds to go on while the node refuses")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  command.footer("Exit codes: 0 all accepted; 1 some lines were refused, or not all were sent; 2 "
                 "usage, or a file that cannot be read; 3 the node cannot be reached.");
  run_with(command, std::move(x), run_import, run);
}

void add_stats(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<stats_options>();
  auto& command = *program.add_subcommand("stats", "Ask a running node for counts");
  command.add_option("what", x->what, "top-pages, page, series, summary, users or count")
      ->check(CLI::IsMember({"top-pages", "page", "series", "summary", "users", "count"}))
      ->capture_default_str();
  command.add_option("page,--page", x->page, "The page's URL");
  command.add_option("user,--user", x->user, "The user, for count");
  command.add_option("--site", x->site, "The site");
  command.add_option("--step", x->step, "minute, hour, day, week or month, for series")
      ->check(CLI::IsMember({"minute", "hour", "day", "week", "month"}));
  command
      .add_option("--range", x->range,
                  "live, today, 7d, 30d, month or 12mo, for top-pages, series and summary")
      ->check(CLI::IsMember({"live", "today", "7d", "30d", "month", "12mo"}));
  command.add_option("--tz", x->zone, "The time zone of its days, like Europe/Berlin");
  command.add_option("--compare", x->compare, "previous or year, for series and summary")
      ->check(CLI::IsMember({"previous", "year"}));
  command.add_option("--from", x->from, "From this time on, like 2025-11-05T20:00:00Z");
  command.add_option("--to", x->to, "Before this time");
  command.add_option("--limit", x->limit, "Rows at most")->check(CLI::Range(1, 1000));
  command.add_flag("--watch", x->watch,
                   "Again whenever it changed, until Ctrl-C: page, top-pages or summary");
  add_address(command, "--url", "query", x->url);
  command.add_flag("--json", x->json, "Print the node's answer as it is");
  run_with(command, std::move(x), run_stats, run);
}

void add_watch(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<stats_options>();
  x->what = "page";
  x->watch = true;
  auto& command = *program.add_subcommand(
      "watch", "Show a page's counts whenever they change, until Ctrl-C; as stats page --watch");
  command.add_option("page", x->page, "The page's URL")->required();
  command.add_option("--site", x->site, "The site");
  add_address(command, "--url", "query", x->url);
  command.add_flag("--json", x->json, "Print what the node tells as it is, one line each");
  run_with(command, std::move(x), run_stats, run);
}

void add_actors(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<actors_options>();
  auto& command = *program.add_subcommand("actors", "Show the actors of a running node");
  command.add_option("id", x->id, "One actor, with its state");
  command.add_option("--node", x->node, "Only actors of this node of a cluster");
  command.add_option("--name", x->name, "Only actors of this name");
  command.add_option("--key", x->key, "Only actors whose key contains this");
  command.add_option("--sort", x->sort, "mailbox, processed, rate, restarts or name")
      ->check(CLI::IsMember({"mailbox", "processed", "rate", "restarts", "name"}));
  command.add_option("--limit", x->limit, "Rows at most")->check(CLI::Range(1, 10'000));
  add_address(command, "--url", "admin", x->url);
  command.add_flag("--json", x->json, "Print the node's answer as it is");
  run_with(command, std::move(x), run_actors, run);
}

void add_audit(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<audit_options>();
  auto& command = *program.add_subcommand(
      "audit", "Have a running node compare every aggregate with the raw events, what it has in "
               "memory with the store, and say what it did not look at");
  command.add_option("--live", x->live, "Live pages to compare: none, sample or all")
      ->check(CLI::IsMember({"none", "sample", "all"}))
      ->capture_default_str();
  auto* page = command.add_option("--page", x->page, "Recount this page alone")
                   ->check([](const std::string& text) {
                     return std::string(text.empty() ? "names no page" : "");
                   });
  command.add_option("--site", x->site, "The site of that page")->needs(page);
  add_address(command, "--url", "admin", x->url);
  command.add_flag("--json", x->json, "Print the node's answer as it is");
  run_with(command, std::move(x), run_audit, run);
}

void add_bad_events(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<bad_events_options>();
  auto& command = *program.add_subcommand(
      "bad-events", "List the log records that are no events, or re-drive them");
  command.add_option("position", x->positions, "What to re-drive, like 0:17; else all open ones");
  command.add_flag("--redrive", x->redrive,
                   "Append what can be read today to the log again; nothing counts twice");
  command.add_flag("--open", x->open, "List only what was not re-driven");
  command.add_flag("--raw", x->raw, "Print the records, one a line, all unless --limit is given");
  command.add_option("--limit", x->limit, "Rows at most; 100 unless given")
      ->check(CLI::Range(1, 1'000'000));
  add_address(command, "--url", "admin", x->url);
  command.add_flag("--json", x->json, "Print the node's answers as they are");
  run_with(command, std::move(x), run_bad_events, run);
}

void add_partitions(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<partitions_options>();
  auto& command = *program.add_subcommand(
      "partitions", "Show how each partition of a running node is, or have a stopped one go on");
  command.add_option("--partition", x->partition, "The stopped partition, for --skip-to")
      ->check(CLI::Range(0, 1023));
  command
      .add_option("--skip-to", x->skip_to,
                  "Go on at this offset; the records before it are written down as a bad event")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()));
  command.add_flag("--new-generation", x->new_generation,
                   "Count the log from its first record, as another one; event ids count once");
  command.add_flag("--yes", x->yes, "Do not ask before something is changed");
  add_address(command, "--url", "admin", x->url);
  command.add_flag("--json", x->json, "Print the node's answer as it is");
  run_with(command, std::move(x), run_partitions, run);
}

void add_cluster(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<cluster_options>();
  auto& command = *program.add_subcommand(
      "cluster", "Show the nodes that a running node knows, and who has which partitions");
  command.add_flag("--watch", x->watch, "Again each second, until Ctrl-C");
  add_address(command, "--url", "admin", x->url);
  command.add_flag("--json", x->json, "Print the node's answer as it is");
  run_with(command, std::move(x), run_cluster, run);
}

void add_health(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<health_options>();
  auto& command = *program.add_subcommand(
      "health", "Ask a running node whether it is ready; for health checks of containers");
  command.add_flag("--live", x->live, "Whether it is live: it need not be ready");
  command.add_option("--role", x->role, "Ready for this role: gateway, ingest, aggregate or query")
      ->check(CLI::IsMember({"gateway", "ingest", "aggregate", "query"}));
  add_address(command, "--url", "admin", x->url);
  command.footer("Exit codes: 0 it is; 1 it is not, with the reason; 2 usage; 3 it cannot be "
                 "reached.");
  run_with(command, std::move(x), run_health, run);
}

void add_backup(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<backup_options>();
  auto& command = *program.add_subcommand(
      "backup", "Copy log and store of an embedded node, as they are at one moment; it may run");
  command.add_option("folder", x->to, "The folder for the copy, new or empty")->required();
  auto* folder = command.add_option(
      "--data-dir", x->data_dir, "Copy this data folder, instead of asking the node for its own");
  add_address(command, "--url", "admin", x->url, folder);
  run_with(command, std::move(x), run_backup, run);
}

void add_restore(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<restore_options>();
  effective_option folder;
  load_option("data-dir", process_environment(), folder); // A bad one is refused where it is used.
  x->data_dir = folder.value;
  auto& command = *program.add_subcommand(
      "restore", "Check a backup and put it into a data folder that no node uses");
  command.add_option("folder", x->from, "The folder of the backup")->required();
  command.add_option("--data-dir", x->data_dir, "Where it goes")->capture_default_str();
  command.add_flag("--replace", x->replace, "Move what the data folder holds aside");
  run_with(command, std::move(x), run_restore, run);
}

void add_certs(CLI::App& program, std::function<int()>& run) {
  auto x = std::make_shared<certs_options>();
  auto& command = *program.add_subcommand(
      "certs", "Make certificates for the nodes of a cluster, and the authority that signs them");
  command
      .add_option("names", x->names,
                  "The nodes' names, as host names; each is in its certificate, with localhost "
                  "and 127.0.0.1")
      ->required();
  command
      .add_option("--out", x->out,
                  "The folder for ca.pem, ca.key, NAME.pem and NAME.key; an authority that is in "
                  "it already signs the new ones too")
      ->required();
  command
      .add_option("--host", x->hosts,
                  "One more host name or address for each of them; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--days", x->days, "How long the nodes' certificates are valid")
      ->check(CLI::Range(1, 36'500))
      ->capture_default_str();
  command.add_flag("--force", x->force,
                   "Replace certificates and keys of nodes; the authority is never replaced");
  command.footer("Exit codes: 0 made; 1 a file is in the way or cannot be written, or the "
                 "authority cannot sign; 2 usage.");
  run_with(command, std::move(x), run_certs, run);
}

} // namespace

void add_client_commands(CLI::App& program, std::function<int()>& run) {
  add_import(program, run);
  add_stats(program, run);
  add_watch(program, run);
  add_actors(program, run);
  add_audit(program, run);
  add_bad_events(program, run);
  add_partitions(program, run);
  add_cluster(program, run);
  add_health(program, run);
  add_backup(program, run);
  add_restore(program, run);
  add_certs(program, run);
  add_access_commands(program, run);
}

} // namespace footfall::app
