#include "app/certs_command.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/cluster/issuer.hpp"
#include "proto/error.hpp"

namespace footfall::app {

namespace {

namespace fs = std::filesystem;

constexpr int64_t day_s = 86'400;
constexpr int64_t authority_days = 3650;
/// Clocks of machines differ: what is made now is valid for those that are late.
constexpr int64_t early_s = day_s;

int fail(int code, const std::string& why) {
  std::fprintf(stderr, "footfall: %s\n", why.c_str());
  return code;
}

std::string file(const certs_options& options, const std::string& name, const char* ending) {
  return (fs::path{options.out} / (name + ending)).string();
}

/// Whole or not at all, also for a node that reads it at this moment. @returns what failed.
std::string write(const std::string& path, const std::string& text, mode_t mode) {
  const auto partial = path + ".partial";
  ::unlink(partial.c_str());
  const int handle = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  bool done = handle >= 0 && ::fchmod(handle, mode) == 0
              && ::write(handle, text.data(), text.size()) == static_cast<ssize_t>(text.size())
              && ::fsync(handle) == 0;
  if (handle >= 0)
    done = ::close(handle) == 0 && done;
  if (done && ::rename(partial.c_str(), path.c_str()) == 0)
    return {};
  std::string why = path + " cannot be written: " + std::strerror(errno);
  ::unlink(partial.c_str());
  return why;
}

std::string write_pair(const certs_options& options, const std::string& name,
                       const cluster::pem_pair& pair) {
  // A node that reads between the two finds that they do not fit, and keeps what it has.
  auto wrong = write(file(options, name, ".key"), pair.key, 0600);
  return wrong.empty() ? write(file(options, name, ".pem"), pair.certificate, 0644) : wrong;
}

/// @returns what failed, with the reason of the system.
std::string read(const std::string& path, std::string& out) {
  std::ifstream in{path, std::ios::binary};
  out.assign(std::istreambuf_iterator<char>{in}, {});
  return in.good() || (in.eof() && !out.empty())
             ? std::string{}
             : path + " cannot be read: " + std::strerror(errno != 0 ? errno : EIO);
}

std::string wrong_name(const certs_options& options) {
  for (size_t i = 0; i < options.names.size(); ++i) {
    const auto& name = options.names[i];
    const auto host = cluster::read_host(name);
    if (!host)
      return "the name " + text_of(host.error()) + "; letters, digits, - and . make one";
    if (host->is_address)
      return name + " is an address; give the node a name, and the address with --host";
    if (name == "ca")
      return "ca is the authority's name, whose files are ca.pem and ca.key; choose another";
    if (std::count(options.names.begin(), options.names.end(), name) > 1)
      return "the name " + name + " is given twice";
  }
  for (const auto& host : options.hosts)
    if (const auto read = cluster::read_host(host); !read)
      return "--host " + text_of(read.error());
  return {};
}

/// Uses the authority of the folder, or makes one. @returns the exit code.
int take_authority(const certs_options& options, int64_t now, cluster::pem_pair& out) {
  const auto certificate = file(options, "ca", ".pem");
  const auto key = file(options, "ca", ".key");
  const bool has_certificate = fs::exists(certificate);
  if (has_certificate != fs::exists(key))
    return fail(1, (has_certificate ? key : certificate) + " is missing beside "
                       + (has_certificate ? certificate : key)
                       + "; bring it back, or make a new authority in another folder (every node "
                         "needs new files then)");
  if (has_certificate) {
    for (auto wrong : {read(certificate, out.certificate), read(key, out.key)})
      if (!wrong.empty())
        return fail(1, wrong);
    if (auto wrong = cluster::check_authority(out, now))
      return fail(1, text_of(wrong) + " (" + certificate + ", " + key + ")");
    std::printf("used %s and %s: the authority that is there\n", certificate.c_str(), key.c_str());
    return 0;
  }
  const auto days = std::max(authority_days, int64_t{options.days});
  auto made =
      cluster::make_authority("Footfall cluster authority", {now - early_s, now + days * day_s});
  if (!made)
    return fail(1, text_of(made.error()));
  out = std::move(*made);
  if (auto wrong = write_pair(options, "ca", out); !wrong.empty())
    return fail(1, wrong);
  std::printf("made %s and %s: the authority, for %lld days\n", certificate.c_str(), key.c_str(),
              static_cast<long long>(days));
  return 0;
}

int make_node(const certs_options& options, const cluster::pem_pair& authority, int64_t now,
              const std::string& name) {
  std::vector<std::string> hosts;
  for (const auto& more : {std::vector<std::string>{name, "localhost", "127.0.0.1"}, options.hosts})
    for (const auto& host : more)
      if (std::find(hosts.begin(), hosts.end(), host) == hosts.end())
        hosts.push_back(host);
  auto made = cluster::issue_certificate(authority, hosts,
                                         {now - early_s, now + int64_t{options.days} * day_s});
  if (!made)
    return fail(1, text_of(made.error()));
  if (auto wrong = write_pair(options, name, *made); !wrong.empty())
    return fail(1, wrong);
  std::string list;
  for (const auto& host : hosts)
    list += (list.empty() ? "" : ", ") + host;
  std::printf("made %s and %s: for %s\n", file(options, name, ".pem").c_str(),
              file(options, name, ".key").c_str(), list.c_str());
  return 0;
}

} // namespace

int run_certs(const certs_options& options) {
  if (auto wrong = wrong_name(options); !wrong.empty())
    return fail(2, wrong);
  if (!options.force)
    for (const auto& name : options.names)
      for (const char* ending : {".pem", ".key"})
        if (const auto path = file(options, name, ending); fs::exists(path))
          return fail(1, path + " is there already; --force replaces it");
  std::error_code failed;
  fs::create_directories(options.out, failed);
  if (failed)
    return fail(1, options.out + " cannot be made: " + failed.message());
  if (::access(options.out.c_str(), W_OK | X_OK) != 0)
    return fail(1, options.out + " cannot be written to: " + std::strerror(errno));
  const auto now = static_cast<int64_t>(std::time(nullptr));
  cluster::pem_pair authority;
  if (int code = take_authority(options, now, authority); code != 0)
    return code;
  for (const auto& name : options.names)
    if (int code = make_node(options, authority, now, name); code != 0)
      return code;
  std::printf(
      "Each node gets ca.pem and the two files with its name, its .key readable by nobody "
      "else. ca.key stays here: who has it can make nodes.\nA node is started with them so, "
      "beside its KAFKA_BROKER and DATABASE_URL:\n");
  for (const auto& name : options.names)
    std::printf(
        "  footfall serve --cluster-listen HOST:PORT --node-name %s \\\n    --cluster-ca %s "
        "--cluster-cert %s \\\n    --cluster-key %s\n",
        name.c_str(), (fs::path(options.out) / "ca.pem").c_str(),
        file(options, name, ".pem").c_str(), file(options, name, ".key").c_str());
  return 0;
}

} // namespace footfall::app
