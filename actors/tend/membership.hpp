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
  /// Without one, no beat tells who is there: others that have one do, and are found by `seeds`.
  bool has_store = true;
  owner_id me = {};                    ///< Of a node without a store.
  std::string address = {};            ///< The same: where this node listens.
  std::vector<std::string> seeds = {}; ///< "host:port"; this node's own may be among them.
  access_links access = {};
};

/// Of two nodes the one whose name comes first dials, again and again until there is a link; one
/// without a store dials all. Both greet on it, and only then it is one. A link carries questions
/// and news; it says nothing about who owns what.
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
    int64_t since_us = 0;    ///< Of the phase apart, or linked.
    peer_hello hello;        ///< Of greeting its `membership` alone.
    uint64_t told = 0;       ///< The greeting that it was sent last, as membership_state::greeting.
    bool is_gateway = false; ///< It has no store, as it said: it dials, and is not dialled.
    /// Who may what, as it goes over this link: one part is under way at a time.
    struct access_link {
      std::shared_ptr<const access_rows> told =
          {};                             ///< To it: all of it, or the parts that are left.
      std::vector<access_part> left = {}; ///< The next one last.
      std::optional<access_part_taken> awaited = {};
      /// Of the desk here. They go when the rows that are under way are told, or those after them.
      std::vector<access_told> answers = {}, later_answers = {};
      access_rows gathered = {};                          ///< From it: the parts so far,
      uint32_t parts = 0;                                 ///< and how many.
      int64_t revision = -1;                              ///< Of what it told as a whole.
      std::shared_ptr<const access_revoked> revoked = {}; ///< That it was told.
    };
    access_link access;
    std::string why; ///< There is no link; empty: not tried yet.
    model::trouble_report trouble{"the link"};
  };
  /// An address at which some node is to be found.
  struct seed {
    std::string address;
    phase at = phase::apart; ///< Never linked: the link is a peer's then.
    uint64_t number = 0;     ///< Of the dial under way.
    peer_way way;            ///< While it is greeted.
    uint64_t told = 0;       ///< As peer::told.
    int64_t due_us = 0;
    int64_t backoff_us = 0;
    std::string why; ///< Of the last try; empty: it went well.
    model::trouble_report trouble{"the seed"};
  };
  /// A hello whose sender is looked at.
  struct stranger {
    peer_hello hello;
    caf::strong_actor_ptr from;
  };

  membership_config config;
  wiring nodes;
  owner_id me;      ///< Nobody before the first beat.
  beat_answer seen; ///< By the last beat, or as another node told it.
  std::vector<seed> seeds;
  // Of a node without a store: whose cluster it is in, who told it what it has seen, and when; a
  // seed is to be dialled before others are.
  std::string cluster_log;
  owner_id teller;
  int64_t told_us = 0;
  bool seed_is_next = true;
  std::shared_ptr<const access_rows> access; ///< Who may what, as it was told last.
  /// What was asked of a desk: at another node by the edge here, or here by another node.
  struct desk_call {
    std::string node;
    caf::strong_actor_ptr from; ///< Null: the edge here.
    uint64_t number = 0;        ///< As who asked numbers it.
    int64_t due_us = 0;
  };
  std::map<uint64_t, desk_call> desk_calls; ///< By a number of this actor's.
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
