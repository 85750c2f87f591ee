#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "net/cluster/names.hpp"
#include "net/tls/openssl.hpp"
#include "proto/error.hpp"
#include "tests/contract/cluster_rig.hpp"

using namespace footfall;
using namespace footfall::cluster;
using namespace footfall::tls;
using namespace footfall::test;
using Catch::Matchers::Contains;

namespace {

std::string text(const std::string& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// What is wrong with these files, "" if nothing.
std::string fault(const certificate_files& files) {
  const auto made = certificates::open(files, [](const std::string&) {});
  return made ? "" : text_of(made.error());
}

bool says(const std::vector<std::string>& lines, const std::string& wanted) {
  for (const auto& line : lines)
    if (line.find(wanted) != std::string::npos)
      return true;
  return false;
}

/// A link of before, and the serial number of the certificate that n1 shows now.
struct replacing {
  cluster_folder folder;
  linked_pair x{folder};

  std::string serial() {
    const auto reply = x.client.dial(x.server.port(), "n1");
    INFO(reply.text);
    CHECK(reply.outcome == dial_outcome::connected);
    return reply.link.serial;
  }
};

} // namespace

TEST_CASE("certificates are checked when they are first read", "[contract][cluster]") {
  cluster_folder folder;
  auto files = folder.files("n1");
  CHECK(fault(files).empty());
  SECTION("a file that is missing is named") {
    for (auto* one : {&files.authority, &files.certificate, &files.key}) {
      const auto good = *one;
      *one = folder.path("none.pem");
      CHECK_THAT(fault(files),
                 Contains("none.pem") && Contains("No such file") && Contains("footfall certs"));
      *one = folder.path(".");
      CHECK_THAT(fault(files), Contains("is no file"));
      *one = good;
    }
  }
  SECTION("what is no PEM") {
    for (auto* one : {&files.authority, &files.certificate, &files.key}) {
      const auto good = *one;
      for (const auto& bad : {std::string{}, std::string{"nothing"}, text(good).substr(0, 200),
                              text(good) + "-----BEGIN CERTIFICATE-----\nxx"}) {
        if (one == &files.key && bad.size() > text(good).size())
          continue; // Only the first key counts.
        folder.write("bad.pem", bad);
        *one = folder.path("bad.pem");
        CHECK_THAT(fault(files), Contains("bad.pem") && Contains("PEM form"));
      }
      *one = good;
    }
  }
  SECTION("a key of another certificate") {
    files.key = folder.path("n2.key");
    CHECK_THAT(fault(files), Contains("n2.key is not the key of") && Contains("n1.pem"));
  }
  SECTION("another authority") {
    cluster_folder theirs;
    files.authority = theirs.path("ca.pem");
    CHECK_THAT(fault(files), Contains("is not signed by"));
    folder.write("both.pem", text(theirs.path("ca.pem")) + text(folder.path("ca.pem")));
    files.authority = folder.path("both.pem");
    CHECK(fault(files).empty());
  }
  SECTION("one that is over, or not yet") {
    folder.make("old", {}, -7200, -3600);
    CHECK_THAT(fault(folder.files("old")),
               Contains("old.pem has expired on") && Contains("--force"));
    folder.make("young", {}, 86'400, 2 * 86'400);
    CHECK_THAT(fault(folder.files("young")), Contains("not valid before") && Contains("clock"));
  }
}

TEST_CASE("an authority that cannot sign is found", "[contract][cluster]") {
  const auto now = now_s();
  const auto old = make_authority("old", {now - 7200, now - 3600});
  REQUIRE(old);
  CHECK_THAT(text_of(check_authority(*old, now)), Contains("expired"));
  CHECK_FALSE(check_authority(*old, now - 5000));
  cluster_folder folder;
  folder.write("old-ca.pem", old->certificate);
  auto node = issue_certificate(*old, {"n9"}, {now - 7200, now + 3600});
  REQUIRE(node);
  folder.write("n9.pem", node->certificate);
  folder.write("n9.key", node->key);
  auto files = folder.files("n9");
  files.authority = folder.path("old-ca.pem");
  CHECK_THAT(fault(files), Contains("expired"));
  CHECK_FALSE(issue_certificate(*old, {"a b"}, {now, now + 1}));
  CHECK_FALSE(issue_certificate(*old, {}, {now, now + 1}));
  CHECK_FALSE(issue_certificate({"", ""}, {"n1"}, {now, now + 1}));
}

TEST_CASE("a name is on a list as a whole or by its end", "[contract][cluster]") {
  const std::vector<std::string> names{"n1", "n1.nodes.example"};
  CHECK(is_allowed(names, {}));
  CHECK(is_allowed({}, {}));
  for (const char* good : {"n1", "N1", ".nodes.example", ".Example", "n1.nodes.example"})
    CHECK(is_allowed(names, {"other", good}));
  for (const char* bad : {"", "n", "n11", "nodes.example", "1.nodes.example", ".n1", "."})
    CHECK_FALSE(is_allowed(names, {bad}));
  CHECK_FALSE(is_allowed({}, {"n1"}));
}

TEST_CASE_METHOD(replacing, "replaced certificates count for the next connection",
                 "[contract][cluster]") {
  const auto first = serial();
  CHECK(first == x.client.links().at(0).serial);
  folder.make("n1");
  const auto second = serial();
  CHECK(second != first);
  CHECK(second == serial_of(*read_certificates(text(folder.path("n1.pem"))).at(0)));
  CHECK(says(x.server.reports(), "was read again: serial " + second));
  // What was open lives on.
  REQUIRE(x.near.send("still here"));
  CHECK(x.far.receive_all(10) == "still here");

  SECTION("a broken file changes nothing, and is reported once") {
    const auto good = text(folder.path("n1.pem"));
    folder.write("n1.pem", "half a certif");
    for (int i = 0; i < 3; ++i)
      CHECK(serial() == second);
    const auto lines = x.server.reports();
    CHECK(std::count_if(
              lines.begin(), lines.end(),
              [](const auto& line) { return line.find("stays in use") != std::string::npos; })
          == 1);
    CHECK(says(lines, "n1.pem"));
    std::filesystem::remove(folder.path("n1.pem"));
    CHECK(serial() == second);
    folder.write("n1.pem", good);
    CHECK(serial() == second);
    folder.make("n1");
    CHECK(serial() != second);
  }
  SECTION("a certificate whose key comes a moment later") {
    const auto key = text(folder.path("n1.key"));
    const auto certificate = text(folder.path("n1.pem"));
    folder.make("n1");
    const auto new_key = text(folder.path("n1.key"));
    folder.write("n1.key", key);
    CHECK(serial() == second);
    folder.write("n1.key", new_key);
    CHECK(serial() != second);
  }
}

TEST_CASE_METHOD(replacing, "what else may be replaced while nodes run", "[contract][cluster]") {
  const auto first = serial();
  SECTION("the dialling side's own, too") {
    folder.make("n2", {"n2.new"});
    serial();
    CHECK(eventually([&] {
      return x.server.links().back().names == std::vector<std::string>{"n2", "n2.new"};
    }));
  }
  SECTION("another authority, by both for a while") {
    cluster_folder next;
    folder.write("ca.pem", text(folder.path("ca.pem")) + text(next.path("ca.pem")));
    CHECK(serial() == first);
    folder.write("n1.key", text(next.path("n1.key")));
    folder.write("n1.pem", text(next.path("n1.pem")));
    CHECK(serial() != first);
  }
}
