#!/usr/bin/env bash
# See to it that there is a PostgreSQL for the tests of the console's index, which start a cluster of their own.
#
# It is taken from SAMBAND_POSTGRES (the folder of initdb and pg_ctl), from PATH or where Debian puts it; where there is
# none and we are root on a Debian, Debian's is installed, without a cluster that runs beside.
set -euo pipefail

stop() { printf 'samband: %s. Way out: install PostgreSQL, or name the folder of its initdb in SAMBAND_POSTGRES.\n' "$1" >&2; exit 1; }

found() {
  for each in "${SAMBAND_POSTGRES:+$SAMBAND_POSTGRES/pg_ctl}" /usr/lib/postgresql/*/bin/pg_ctl pg_ctl; do
    [ -n "$each" ] && command -v "$each" && return
  done
  return 1
}

if ! found >/dev/null; then
  { [ "$(id -u)" = 0 ] && command -v apt-get; } >/dev/null || stop 'there is no PostgreSQL'
  log=$(mktemp)
  {
    apt-get update && export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends postgresql-common
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf
    apt-get install -y --no-install-recommends postgresql
  } >"$log" 2>&1 || { tail -5 "$log" >&2; stop 'PostgreSQL could not be installed, see above'; }
  rm -f "$log"
fi

"$(found)" --version
