#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "proto/event.hpp"
#include "proto/query.hpp"
#include "tests/explorer/history.hpp"
#include "tests/explorer/uncertain_log.hpp"

namespace footfall::explorer {

/// Few names, so that they meet.
inline const std::vector<std::string> sites{"default", "shop"};
inline const std::vector<std::string> pages{"/a", "/b", "/c"};
inline const std::vector<std::string> users{"ada", "bob", "eve"};
inline const std::vector<std::string> types{"click", "view"};

/// What one may be asked about: no user means all of the page, no page all of the site.
struct subject {
  std::string site, page, user;
  int64_t from_us = unset_time; ///< Nothing that happened before.
  auto operator<=>(const subject&) const = default;
  std::string text() const { return site + page + (user.empty() ? "" : ' ' + user); }
  bool holds(const event_row& x) const {
    return x.site_id == site && (page.empty() || x.page_url == page)
           && (user.empty() || x.user_id == user) && (from_us == unset_time || x.at_us >= from_us);
  }
};

/// What clients did and were told, and so what they may be told.
class truth {
public:
  /// A question that waits for its answer.
  struct question {
    query_ask ask;
    subject about;
    uint64_t era = 0;
    uint64_t floor = 0; ///< Somebody had this count before the question was asked.
    int64_t asked_us = 0;
  };

  truth(const uncertain_log& log, history& said, const int64_t& now_us)
      : log_(log), said_(said), now_us_(now_us) {}

  void posting(const click_event& x) { ++attempts_[{x.site_id, x.event_id}].posted; }
  void produced(const std::string& site, const std::string& id) {
    auto& x = attempts_[{site, id}];
    ++x.posted;
    ++x.unknown;
  }
  /// The client was told so; `unknown` as well when it was told nothing.
  void told(const click_event& x, const event_result& result);

  question asking(query_ask ask) const;
  void check(const question& asked, const query_answer& answer);

  /// Counts may be lower from here on: the store went back, or it is another node.
  void new_era() {
    ++era_;
    floors_.clear();
  }

  /// How many clicks an answer must and may have; `after` and `as_of_us` are its own.
  struct bounds {
    uint64_t least = 0;
    uint64_t most = 0;
  };
  bounds of(const subject& about, int64_t as_of_us, const std::vector<position>& after) const;

  /// What became of the posts of an id.
  struct attempts {
    uint64_t posted = 0;
    uint64_t accepted = 0;
    uint64_t rejected = 0;
    uint64_t unknown = 0;
  };
  using id_name = std::pair<std::string, std::string>; ///< Site and event id.
  const std::map<id_name, attempts>& all_attempts() const { return attempts_; }
  const std::map<place, click_event>& acknowledged() const { return acknowledged_; }
  /// From now on records of the page stand in another partition than it lives in: what an
  /// answer of the page lacks of them, one of the store may have had.
  void strays(const std::string& site, const std::string& page) {
    strays_.insert({site, page, ""});
  }
  void wrong(const std::string& what) { said_.wrong(now_us_, what); }

private:
  void check_count(const question& asked, const query_answer& answer, uint64_t clicks);
  void check_rows(const question& asked, const query_answer& answer);
  void check_page(const question& asked, const query_answer& answer);
  void check_active(const question& asked, const query_answer& answer);
  void check_bounds(const question& asked, const query_answer& answer, const subject& about,
                    uint64_t clicks);

  const uncertain_log& log_;
  history& said_;
  const int64_t& now_us_;
  std::map<id_name, attempts> attempts_;
  std::map<place, click_event> acknowledged_;
  std::map<subject, uint64_t> floors_;
  std::set<subject> strays_;
  uint64_t era_ = 1;
};

/// For people: what was asked, and what the answer was.
std::string text_of(const query_ask& ask);
std::string text_of(const query_answer& answer);

} // namespace footfall::explorer
