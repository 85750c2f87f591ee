#pragma once

/// What runs inside Redis. A page is one hash: ver (its counted clicks), as (as of,
/// microseconds), re (reached), u:N (clicks of user N). Versions compare as doubles
/// and so stay below 2^53; the caller sees to that. A write that Redis refuses (no
/// memory) removes the page: nothing is better than something old.
namespace footfall::redis {

/// ARGV: time to live in ms, the most fields of a hash; for each key: version, as of,
/// reached, user, clicks. @returns how many writes Redis refused.
inline constexpr const char* fill_script = R"lua(
local refused, at = 0, 3
for _, key in ipairs(KEYS) do
  local ver, as = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local cur = redis.call('HMGET', key, 'ver', 'as')
  local have = tonumber(cur[1] or -1)
  if have <= ver then
    if have < ver or redis.call('HLEN', key) > tonumber(ARGV[2]) then
      redis.call('DEL', key)
      have = -1
    end
    local done
    if have < ver or as >= tonumber(cur[2]) then
      done = redis.pcall('HSET', key, 'ver', ARGV[at], 'as', ARGV[at + 1], 're', ARGV[at + 2],
                         'u:' .. ARGV[at + 3], ARGV[at + 4])
      redis.call('PEXPIRE', key, ARGV[1])
    else
      done = redis.pcall('HSET', key, 'u:' .. ARGV[at + 3], ARGV[at + 4])
    end
    if type(done) == 'table' then
      redis.call('DEL', key)
      refused = refused + 1
    end
  end
  at = at + 5
end
return refused
)lua";

/// ARGV: time to live in ms, the most fields of a hash; for each key: from, to, as
/// of, reached, number of users, then user and clicks of each. A page that nobody
/// filled is kept as a tombstone, without users: no counts that nobody reads.
inline constexpr const char* advance_script = R"lua(
local refused, at = 0, 3
for _, key in ipairs(KEYS) do
  local from, to, as = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local users = tonumber(ARGV[at + 4])
  local cur = redis.call('HMGET', key, 'ver', 'as')
  local have, size = tonumber(cur[1] or -1), redis.call('HLEN', key)
  if have <= to then
    if (have ~= to and (from == 0 or have ~= from)) or size > tonumber(ARGV[2]) then
      redis.call('DEL', key)
      have = -1
    end
    local fields = {}
    if have ~= to or as >= tonumber(cur[2]) then
      fields = {'ver', ARGV[at + 1], 'as', ARGV[at + 2], 're', ARGV[at + 3]}
    end
    local done = 0
    local kept = size > 3 and users or 0
    for i = 0, kept - 1 do
      fields[#fields + 1] = 'u:' .. ARGV[at + 5 + 2 * i]
      fields[#fields + 1] = ARGV[at + 6 + 2 * i]
      if #fields >= 1000 and type(done) ~= 'table' then
        done = redis.pcall('HSET', key, unpack(fields))
        fields = {}
      end
    end
    if #fields > 0 and type(done) ~= 'table' then
      done = redis.pcall('HSET', key, unpack(fields))
    end
    if type(done) == 'table' then
      redis.call('DEL', key)
      refused = refused + 1
    elseif have ~= to or as >= tonumber(cur[2]) then
      redis.call('PEXPIRE', key, ARGV[1])
    end
  end
  at = at + 5 + 2 * users
end
return refused
)lua";

} // namespace footfall::redis
