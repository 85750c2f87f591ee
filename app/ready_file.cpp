#include "app/ready_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include "app/log.hpp"
#include "proto/error.hpp"

namespace footfall::app {
namespace {

std::string json_of(const ready_addresses& addresses) {
  return "{\"pid\":" + std::to_string(::getpid()) + ",\"version\":" + json_text(FOOTFALL_VERSION)
         + ",\"ingest\":" + json_text(addresses.ingest) + ",\"query\":" + json_text(addresses.query)
         + ",\"grpc\":" + json_text(addresses.grpc) + ",\"admin\":" + json_text(addresses.admin)
         + "}\n";
}

} // namespace

ready_file::ready_file(std::string path, std::string text)
    : path_(std::move(path)), text_(std::move(text)) {}

caf::expected<std::unique_ptr<ready_file>> ready_file::write(const std::string& path,
                                                             const ready_addresses& addresses) {
  auto text = json_of(addresses);
  auto draft = path + "." + std::to_string(::getpid());
  std::ofstream out{draft, std::ios::trunc};
  out << text;
  out.close();
  if (!out || std::rename(draft.c_str(), path.c_str()) != 0) {
    std::string why = std::strerror(errno);
    ::unlink(draft.c_str());
    return make_error(errc::invalid_argument, "ready file " + path + " (ready-file): " + why);
  }
  return std::unique_ptr<ready_file>{new ready_file{path, std::move(text)}};
}

ready_file::~ready_file() {
  std::ifstream in{path_};
  std::string there{std::istreambuf_iterator<char>{in}, {}};
  if (there == text_)
    ::unlink(path_.c_str());
}

} // namespace footfall::app
