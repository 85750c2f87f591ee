# shellcheck shell=bash
# What the scripts share. Source it; it moves to the root of the tree.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
OLDPWD=$PWD
cd -- "$root" || exit

# say TEXT: progress, on stderr, so that stdout holds only what a caller asked for.
say() { printf '==> %s\n' "$*" >&2; }

# fail TEXT: says what failed and ends the script.
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# A command that fails where nobody looks must not end a script in silence.
set -o errtrace
trap 'printf "FAILED: %s, line %s: %s\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR

# duration SECONDS: 75 -> "1 min 15 s".
duration() {
  if (($1 >= 60)); then printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); else printf '%d s' "$1"; fi
}

# processors: how many compilers may run at once. A file that includes gRPC or CAF
# takes more than a gigabyte, so memory counts as well. JOBS overrides it.
processors() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
  ((memory < 1)) && memory=1
  printf '%d' "${JOBS:-$((memory < cores ? memory : cores))}"
}
