#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/nodes/world.hpp"

namespace footfall::nodes {

/// Few names, so that they meet.
inline const std::vector<std::string> pages{"/a", "/b", "/c", "/d", "/e"};
inline const std::vector<std::string> users{"ada", "bob", "eve"};

/// What one may be asked about: no user means all of the page.
struct subject {
  std::string page, user;
  auto operator<=>(const subject&) const = default;
  std::string text() const { return page + (user.empty() ? "" : ' ' + user); }
  bool holds(const event_row& x) const {
    return x.page_url == page && (user.empty() || x.user_id == user);
  }
};

/// What clients did and were told, and so what they may be told.
class truth {
public:
  /// A question that waits for its answer, or a watch.
  struct question {
    process* at = nullptr;
    query_ask ask;
    subject about;
    int64_t since_us = 0; ///< By the steady clock.
    bool is_watch = false;
    uint64_t floor = 0; ///< Somebody at this node had this count before it was asked.
  };

  explicit truth(world& on);

  void posting(const click_event& x) { ++attempts_[x.event_id].posted; }
  /// The client was told so; `unknown` as well when it was told nothing.
  void told(process& at, const click_event& x, const event_result& result);

  question asking(process& at, query_ask ask) const;
  void check(const question& asked, const query_answer& answer);

  /// How many clicks an answer must and may have.
  struct bounds {
    uint64_t least = 0;
    uint64_t most = 0;
  };
  bounds of(const subject& about, const process& at, int64_t as_of_us,
            const std::vector<position>& after) const;
  uint64_t committed(const subject& about) const;

  /// What became of the posts of an id.
  struct attempts {
    uint64_t posted = 0;
    uint64_t accepted = 0;
    uint64_t rejected = 0;
    uint64_t unknown = 0;
  };
  const std::map<std::string, attempts>& all_attempts() const { return attempts_; }
  const std::map<place, click_event>& acknowledged() const { return acknowledged_; }

private:
  void check_count(const question& asked, const query_answer& answer, const subject& about,
                   uint64_t clicks);
  void check_live(const process& who, const std::string& page, int64_t asked_us,
                  const query_answer& answer);
  void see(const std::string& from, const std::string& to, const caf::message& content);

  world& on_;
  std::map<std::string, attempts> attempts_; ///< By event id.
  std::map<place, click_event> acknowledged_;
  std::map<uint64_t, std::set<place>> acknowledged_by_;        ///< By the number of the process.
  std::map<std::pair<std::string, subject>, uint64_t> floors_; ///< By node.
  /// Tickets of a process that another one answered with counts.
  std::set<std::pair<uint64_t, uint64_t>> answered_elsewhere_;
  struct sent {
    std::string page;
    int64_t at_us = 0;
  };
  std::map<std::pair<uint64_t, uint64_t>, sent> sent_; ///< Tickets that went to another one.
};

/// For people: what was asked, and what the answer was.
std::string text_of(const query_ask& ask);
std::string text_of(const query_answer& answer);

} // namespace footfall::nodes
