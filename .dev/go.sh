#!/usr/bin/env bash
# See to it that there is a Go, 1.24 or later, for the readers that are not ours: the second one of the wire format
# (tests/reader) and the log's, Go's sumdb (tests/tlog) and Tessera's fsck (tests/tessera).
#
# It is taken from SAMBAND_GO or PATH; where there is none and we are root on a Debian, Debian's is installed. Where none
# can be had their tests are skipped, and this says so and ends well: nothing else needs Go.
set -euo pipefail

skip() { printf 'samband: %s: the second reader and the log'\''s other readers are NOT run. Way out: install Go 1.24 or later, or name it in SAMBAND_GO.\n' "$1" >&2; exit 0; }

found() { command -v "${SAMBAND_GO:-go}"; }

if ! found >/dev/null; then
  { [ "$(id -u)" = 0 ] && command -v apt-get; } >/dev/null || skip 'there is no Go'
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends golang-go; } >"$log" 2>&1 ||
    { tail -5 "$log" >&2; skip 'Go could not be installed, see above'; }
  rm -f "$log"
  found >/dev/null || skip 'Go was installed and is not on PATH'
fi

version=$("$(found)" env GOVERSION)
case $version in
  go1.[0-9] | go1.[0-9].* | go1.1[0-9]* | go1.2[0-3]*) skip "$version is too old" ;;
esac
printf '%s\n' "$version"
