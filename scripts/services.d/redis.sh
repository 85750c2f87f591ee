# shellcheck shell=bash disable=SC2154
# One Redis server, a cache: nothing is written to disk. Sourced by scripts/services.

redis_install() { command -v redis-server >/dev/null || fail "redis-server is not installed"; }

redis_start() { # folder
  local port
  port=$(port_for "$1" port)
  start_process "$1" redis-server --bind "$address" --port "$port" --dir "$1" \
    --save '' --appendonly no --maxmemory 256mb --maxmemory-policy allkeys-lru
  await_port "$1" 10
}

redis_processes() { pid_of "$1"; }

redis_stop() { end_process "$1" TERM 10; }

redis_env() { # folder
  local server
  server=$address:$(<"$1/port")
  printf 'export REDIS_ADDR=%s\nexport FOOTFALL_TEST_REDIS=%s\n' "$server" "$server"
}
