#pragma once

#include <unordered_map>

#include "db/redis/link.hpp"
#include "db/redis/redis_cache.hpp"

namespace footfall {

/// The thread of a redis_cache: owns the connection and what is under way on it.
class redis_cache::worker {
public:
  explicit worker(redis_cache& owner);
  void loop();

private:
  enum class kind : uint8_t { hello, get, fill, advance };
  /// A lookup while its pages' replies come in.
  struct open_lookup {
    lookup ask;
    std::vector<cached_count> found;
    size_t left = 0;
    bool answered = false;
  };
  /// A command that Redis has not answered.
  struct command {
    kind what = kind::hello;
    std::shared_ptr<open_lookup> get;
    std::vector<size_t> keys; ///< Indexes of the lookup's asks, in the command's order.
    size_t values = 0;
    steady::time_point since;
  };

  void connect();
  void drop(const std::string& why);
  void begin_anew();
  void heed_losses(); ///< With the owner's lock held.
  void answer_gets_with_misses();
  std::deque<lookup> take_gets();
  void send_all();
  void send_get(lookup x);
  bool send_fills();    ///< False: some must wait, so much is under way.
  bool send_advances(); ///< The same.
  void send_script(const std::string& digest, const std::vector<std::string>& keys,
                   const std::vector<std::string>& arguments, kind what, size_t values);
  void receive();
  void take(const command& x, const redisReply& reply);
  void take_get(const command& x, const redisReply& reply);
  void take_hello(const redisReply& reply);
  void note_refusal(const std::string& why);
  void expire();
  void finish(open_lookup& x);
  std::chrono::milliseconds patience() const;
  std::string key_of(const cache_page& page) const;
  void count(counter metrics::*which, uint64_t n = 1) const;

  redis_cache& owner_;
  redis::link link_;
  std::deque<command> commands_;
  size_t scripts_ = 0;              ///< How many of them fill or advance.
  std::string prefix_;              ///< Of every key: the store and a number of this start.
  steady::time_point fills_from_{}; ///< Fills that came before are dropped.
  std::string fill_digest_;
  std::string advance_digest_;
  bool ready_ = false;
  unsigned late_ = 0; ///< Lookups in a row that got no answer in time.
  std::chrono::milliseconds pause_{0};
  steady::time_point not_before_{};
};

} // namespace footfall
