# shellcheck shell=bash disable=SC2154
# One PostgreSQL cluster with the settings of production. Sourced by scripts/services.

# postgres_program NAME: its path in the newest version installed; not in PATH on Debian.
postgres_program() {
  local found=(/usr/lib/postgresql/*/bin/"$1")
  printf '%s\n' "${found[-1]}"
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}

postgres_install() {
  [[ -x $(postgres_program initdb) ]] || fail "postgresql is not installed"
}

# postgres_home FOLDER: where the cluster is. When the user postgres cannot reach
# the folder (a tree below a private home), it is a folder of its own elsewhere.
postgres_home() {
  local home
  if [[ -f $1/home ]]; then
    cat "$1/home"
    return
  fi
  home=$1/cluster
  mkdir -p "$home"
  if ! as_postgres test -x "$home"; then
    rmdir "$home"
    home=$(mktemp -d /var/tmp/footfall-postgres.XXXXXX)
  fi
  ((EUID != 0)) || chown postgres: "$home"
  printf '%s\n' "$home" | tee "$1/home"
}

postgres_create() { # folder, home
  local password buffers
  password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'ab')
  as_postgres rm -rf "$2/data" # what an interrupted initdb left
  (umask 077 && as_postgres tee "$2/password" <<<"$password" >/dev/null)
  as_postgres "$(postgres_program initdb)" -D "$2/data" -U footfall -E UTF8 --locale=C.UTF-8 \
    -A scram-sha-256 --pwfile="$2/password" >>"$1/log" 2>&1 || fail "initdb: $1/log"
  buffers=$(awk '/^MemTotal/ { mb = int($2 / 4096); print mb < 1024 ? mb : 1024 }' /proc/meminfo)
  as_postgres tee -a "$2/data/postgresql.conf" >/dev/null <<END
listen_addresses = '$address'
unix_socket_directories = ''
max_connections = 100
shared_buffers = ${buffers}MB
max_wal_size = 8GB
checkpoint_timeout = 15min
wal_compression = lz4
END
  # Beyond loopback initdb lets nobody in.
  [[ $address == 127.0.0.1 ]] ||
    as_postgres tee -a "$2/data/pg_hba.conf" <<<'host all all samenet scram-sha-256' >/dev/null
  (umask 077 && printf '%s\n' "$password" >"$1/password") # the last step: it is complete
}

# A killed server that nobody reaps (some containers' first process does not) still has
# its number, and PostgreSQL takes it for one that runs.
postgres_forget_zombie() { # its postmaster.pid
  local old
  old=$(as_postgres head -n 1 "$1" 2>/dev/null) || return 0
  if grep -qs '^State:[[:space:]]*Z' "/proc/$old/status"; then as_postgres rm "$1"; fi
}

postgres_start() { # folder
  local home port
  home=$(postgres_home "$1")
  [[ -f $1/password ]] || postgres_create "$1" "$home"
  port=$(port_for "$1" port)
  postgres_forget_zombie "$home/data/postmaster.pid"
  touch "$1/log"
  ((EUID != 0)) || chown postgres: "$1/log"
  # shellcheck disable=SC2024  # the log belongs to the caller's folder
  as_postgres "$(postgres_program pg_ctl)" -D "$home/data" -w -t 60 -o "-p $port" start \
    >>"$1/log" 2>&1 </dev/null || fail "PostgreSQL did not start: $1/log"
  record_pid "$1" "$(as_postgres head -n 1 "$home/data/postmaster.pid")"
  postgres_database "$1" "$port"
}

postgres_database() { # folder, port
  local connection="host=$address port=$2 user=footfall dbname=postgres"
  local -x PGPASSWORD
  PGPASSWORD=$(<"$1/password")
  if [[ -z $(psql -AtqX "$connection" -c "SELECT 1 FROM pg_database WHERE datname='footfall'") ]]
  then
    psql -qX "$connection" -c 'CREATE DATABASE footfall'
  fi
}

# The postmaster first: while it stands still it makes no new backend.
postgres_processes() {
  local postmaster
  postmaster=$(pid_of "$1")
  printf '%s\n' "$postmaster"
  [[ -z $postmaster ]] || pgrep -P "$postmaster" || true
}

# INT is a fast shutdown: it ends sessions and writes a checkpoint. QUIT writes nothing.
postgres_stop() { end_process "$1" "${2:-INT}" 60; }

postgres_wipe() {
  [[ ! -f $1/home ]] || rm -rf "$(<"$1/home")"
}

postgres_env() { # folder
  local url
  url=postgresql://footfall:$(<"$1/password")@$address:$(<"$1/port")/footfall
  printf 'export DATABASE_URL=%s\nexport FOOTFALL_TEST_POSTGRES=%s\n' "$url" "$url"
}
