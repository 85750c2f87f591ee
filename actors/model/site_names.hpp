#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>

#include "actors/model/generations.hpp"

namespace footfall::model {

/// Names by the numbers that stand for them beside a site. A number says nothing alone: each
/// database numbers for itself, and only what is of one site is certainly in one database.
/// At most `most` names are known, and so many sites; what nobody asks for is forgotten.
class site_names {
public:
  explicit site_names(size_t most) : sites_(most), names_(most) {}

  /// The names of one site, within the object that gave it.
  class of_site {
  public:
    /// nullptr when it is not known. Holds until the next call.
    const std::string* find(int32_t number) {
      return site_ == 0 ? nullptr : all_.names_.find(key{site_, number});
    }
    void put(int32_t number, std::string name) {
      if (site_ == 0) // Never given twice: names of a site that was forgotten are nobody's.
        site_ = all_.sites_.put(site_id_, ++all_.sites_seen_);
      all_.names_.put(key{site_, number}, std::move(name));
    }

  private:
    friend site_names;
    of_site(site_names& all, const std::string& site_id) : all_(all), site_id_(site_id) {
      if (const auto* known = all.sites_.find(site_id))
        site_ = *known;
    }

    site_names& all_;
    const std::string& site_id_;
    uint64_t site_ = 0; ///< 0: it has no names, and takes no place.
  };

  /// Looks the site up once, so that its rows cost no text. `site_id` outlives the result.
  of_site of(const std::string& site_id) { return {*this, site_id}; }

  void clear() {
    sites_.clear();
    names_.clear();
  }

  /// Entries of either, those that stand in both of its generations twice.
  size_t names_known() const noexcept { return names_.size(); }
  size_t sites_known() const noexcept { return sites_.size(); }

private:
  using key = std::pair<uint64_t, int32_t>; ///< Of the site and of the name.

  uint64_t sites_seen_ = 0;
  generations<absl::flat_hash_map<std::string, uint64_t>> sites_;
  generations<absl::flat_hash_map<key, std::string>> names_;
};

} // namespace footfall::model
