#include "app/backup_command.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "app/client_http.hpp"
#include "app/data_lock.hpp"
#include "app/json_reading.hpp"
#include "db/sqlite/access_file.hpp"
#include "db/sqlite/pair.hpp"
#include "proto/error.hpp"

namespace footfall::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* manifest_name = "backup.json";
constexpr const char* files[] = {"store.db", "log.db"};
constexpr const char* keys = "access.db"; ///< Where there are some.

int fail(int code, const std::string& why) {
  std::fprintf(stderr, "footfall: %s\n", why.c_str());
  return code;
}

std::string utc_now(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  ::gmtime_r(&now, &parts);
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

/// On the disk, whatever happens next.
bool sync(const fs::path& path) {
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0)
    return false;
  const bool done = ::fsync(handle) == 0;
  ::close(handle);
  return done;
}

/// One line for people, of each partition: what the log has and how far the store is.
std::string summary(const sqlite_pair& x) {
  int64_t applied = 0, waiting = 0;
  for (const auto& part : x.parts) {
    applied += part.next;
    waiting += part.end - part.next;
  }
  return std::to_string(applied) + " records applied, " + std::to_string(waiting)
         + " more in the log";
}

std::string manifest(const sqlite_pair& x) {
  std::string out = "{\"footfall\":\"" FOOTFALL_VERSION "\",\"at\":\""
                    + utc_now("%Y-%m-%dT%H:%M:%SZ") + "\",\"log_id\":\"" + x.log_id
                    + "\",\"store_id\":\"" + x.store_id + "\",\"partitions\":[";
  for (size_t i = 0; i < x.parts.size(); ++i)
    out += std::string(i > 0 ? "," : "") + "{\"log_first\":" + std::to_string(x.parts[i].first)
           + ",\"log_end\":" + std::to_string(x.parts[i].end)
           + ",\"next_offset\":" + std::to_string(x.parts[i].next) + "}";
  return out + "]}\n";
}

/// Makes the folder. @returns why it cannot be used.
std::string prepare(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return folder + " cannot be made: " + failed.message();
  if (!fs::is_empty(folder, failed) || failed)
    return folder + " is not empty; name a new folder";
  fs::permissions(folder, fs::perms::owner_all, failed);
  return {};
}

/// Asks the node where its files are. @returns an exit code, 0 when `out` is it.
int find_folder(const backup_options& options, std::string& out) {
  std::string error;
  auto client = client_http::make(options.url, std::chrono::seconds{30}, error);
  if (!client)
    return fail(2, error);
  const int code =
      print_answer(client->get("/admin/partitions"), false, [&](simdjson::dom::element root) {
        std::string_view text;
        if (root["data_dir"].get(text) == simdjson::SUCCESS)
          out = text;
        return 0;
      });
  if (code == 3)
    std::fputs("footfall: --data-dir FOLDER copies a folder without asking a node\n", stderr);
  if (code != 0)
    return code;
  if (out.empty())
    return fail(1, "the log or the store of this node is not embedded; back Kafka and PostgreSQL "
                   "up with their own tools");
  if (!fs::exists(out))
    return fail(1, "the node's files are in " + out + ", which is not on this machine");
  return 0;
}

/// Both files and the manifest are whole before the manifest is there.
int copy_and_sign(const std::string& from, const std::string& to) {
  auto done = copy_sqlite_pair(from, to);
  if (!done)
    return fail(1, text_of(done.error()));
  if (auto bad = copy_sqlite_access(from, to))
    return fail(1, text_of(bad));
  for (const auto* name : {files[0], files[1], keys})
    if ((name != keys || fs::exists(fs::path{to} / name)) && !sync(fs::path{to} / name))
      return fail(1, std::string{name} + " cannot be written out: " + std::strerror(errno));
  const auto path = fs::path{to} / manifest_name;
  const auto partial = path.string() + ".partial";
  {
    std::ofstream out{partial};
    out << manifest(*done);
    if (!out.flush())
      return fail(1, partial + " cannot be written");
  }
  std::error_code failed;
  if (sync(partial))
    fs::rename(partial, path, failed);
  else
    failed = std::make_error_code(std::errc::io_error);
  if (failed || !sync(to))
    return fail(1, path.string() + " cannot be written");
  std::printf("backup of %s in %s: %s\n", from.c_str(), to.c_str(), summary(*done).c_str());
  return 0;
}

/// The ids of the manifest. @returns why there are none.
std::string read_manifest(const std::string& folder, sqlite_pair& out) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto file = (fs::path{folder} / manifest_name).string();
  if (parser.load(file).get(root) != simdjson::SUCCESS)
    return file + " is missing or no JSON: this is no finished backup of footfall backup";
  std::string_view log_id, store_id;
  if (root["log_id"].get(log_id) != simdjson::SUCCESS
      || root["store_id"].get(store_id) != simdjson::SUCCESS)
    return file + " names no log and store";
  out.log_id = log_id;
  out.store_id = store_id;
  return {};
}

/// Copies to a folder beside, checks it there, and leaves the backup as it is.
std::string stage(const restore_options& options, const fs::path& beside) {
  sqlite_pair told;
  if (auto why = read_manifest(options.from, told); !why.empty())
    return why;
  std::error_code failed;
  fs::remove_all(beside, failed);
  fs::create_directories(beside, failed);
  for (const auto* name : files) {
    fs::copy_file(fs::path{options.from} / name, beside / name, failed);
    if (failed)
      return (fs::path{options.from} / name).string() + " cannot be copied: " + failed.message();
  }
  if (fs::exists(fs::path{options.from} / keys)) {
    fs::copy_file(fs::path{options.from} / keys, beside / keys, failed);
    if (failed)
      return (fs::path{options.from} / keys).string() + " cannot be copied: " + failed.message();
  }
  auto found = check_sqlite_pair(beside);
  if (!found)
    return "the backup is not whole: " + text_of(found.error());
  if (found->log_id != told.log_id || found->store_id != told.store_id)
    return "log.db and store.db are not those that backup.json names";
  if (auto err = renew_store_identity(beside))
    return text_of(err);
  std::printf("the backup is whole: %s\n", summary(*found).c_str());
  return {};
}

/// Moves what is in the folder aside, then the staged files in.
std::string put_in_place(const fs::path& folder, const fs::path& beside) {
  std::error_code failed;
  const auto aside = folder / ("before-restore-" + utc_now("%Y%m%dT%H%M%SZ"));
  for (const auto* name :
       {"store.db", "store.db-wal", "store.db-shm", "log.db", "log.db-wal", "log.db-shm"})
    if (fs::exists(folder / name)) {
      fs::create_directories(aside, failed);
      fs::rename(folder / name, aside / name, failed);
      if (failed)
        return (folder / name).string() + " cannot be moved aside: " + failed.message();
    }
  for (const auto* name : files) {
    if (!sync(beside / name))
      return (beside / name).string() + " cannot be written out";
    fs::rename(beside / name, folder / name, failed);
    if (failed)
      return (beside / name).string() + " cannot be moved: " + failed.message();
  }
  // Keys that are there are newer than those of the backup, which may have been revoked since.
  if (fs::exists(beside / keys) && !fs::exists(folder / keys)) {
    if (!sync(beside / keys))
      return (beside / keys).string() + " cannot be written out";
    fs::rename(beside / keys, folder / keys, failed);
    if (failed)
      return (beside / keys).string() + " cannot be moved: " + failed.message();
  }
  fs::remove_all(beside, failed);
  sync(folder);
  if (fs::exists(aside))
    std::printf("what was there is in %s\n", aside.c_str());
  return {};
}

} // namespace

int run_backup(const backup_options& options) {
  auto from = options.data_dir;
  if (from.empty())
    if (const int code = find_folder(options, from); code != 0)
      return code;
  for (const auto* name : files)
    if (!fs::exists(fs::path{from} / name))
      return fail(2, from + " has no " + name + ": it is no data folder of an embedded node");
  if (auto why = prepare(options.to); !why.empty())
    return fail(2, why);
  return copy_and_sign(from, options.to);
}

int run_restore(const restore_options& options) {
  auto lock = data_lock::take(options.data_dir);
  if (!lock)
    return fail(1, text_of(lock.error()));
  const fs::path folder{options.data_dir};
  if (!options.replace && (fs::exists(folder / "log.db") || fs::exists(folder / "store.db")))
    return fail(1, options.data_dir
                       + " holds data already; name another folder, or say --replace "
                         "to move that aside");
  const auto beside = folder / "restoring";
  auto why = stage(options, beside);
  if (why.empty())
    why = put_in_place(folder, beside);
  if (!why.empty()) {
    std::error_code ignored;
    fs::remove_all(beside, ignored);
    return fail(1, why);
  }
  std::printf("restored to %s\n", options.data_dir.c_str());
  return 0;
}

} // namespace footfall::app
