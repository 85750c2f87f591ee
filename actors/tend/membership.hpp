#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/model/owner_directory.hpp"
#include "actors/model/trouble_report.hpp"
#include "actors/ports/clock.hpp"
#include "actors/ports/peer_links.hpp"
#include "actors/tend/node_status.hpp"
#include "actors/tend/observed.hpp"

namespace footfall {

struct membership_config {
  peer_links* links = nullptr;   ///< Outlives the actor.
  node_status* status = nullptr; ///< The same.
  now_fn steady = steady_now;
  std::string version, roles, log;                ///< As in peer_hello.
  std::function<void(const std::string&)> report; ///< A line for the log.
};

/// Of two nodes the one whose name comes first dials, again and again until there is a link.
/// Both greet on it, and only then it is one. A link carries questions and news; it says nothing
/// about who owns what.
/// Invariant: a peer is `linked` from both greetings until the DOWN of its MEMBERSHIP.
struct membership_state {
  static inline const char* name = "membership";

  enum class phase : uint8_t {
    apart,    ///< To be dialled at `due_us`, if this node dials.
    dialling, ///< Until `due_us`, like greeting.
    greeting,
    linked
  };
  struct peer {
    phase at = phase::apart;
    node_row row;        ///< As the store has it.
    bool listed = false; ///< The last beat had it.
    uint64_t number = 0; ///< Of the dial under way.
    uint64_t link = 0;   ///< That this node has to it, while not apart.
    int64_t due_us = 0;
    int64_t backoff_us = 0;
    int64_t since_us = 0; ///< Of the phase apart, or linked.
    peer_hello hello;     ///< Of greeting its `membership` alone.
    uint64_t told = 0;    ///< The greeting that it was sent last, as membership_state::greeting.
    std::string why;      ///< There is no link; empty: not tried yet.
    model::trouble_report trouble{"the link"};
  };
  /// A hello whose sender is looked at.
  struct stranger {
    peer_hello hello;
    caf::strong_actor_ptr from;
  };

  membership_config config;
  wiring nodes;
  owner_id me; ///< Nobody before the first beat.
  std::map<std::string, peer> peers;
  model::owner_directory owners;
  std::map<uint64_t, stranger> strangers;
  model::trouble_report refusals{"a link to this node"};
  uint64_t next_number = 1;
  uint64_t greeting = 1;             ///< Rises when what peers are told of this node changes.
  std::optional<page_routes> routes; ///< As others here have them; nothing: not all of them do.
};

using membership_ptr = observed_actor<membership_actor, membership_state>*;

membership_actor::behavior_type membership(membership_ptr self, membership_config config);

} // namespace footfall
