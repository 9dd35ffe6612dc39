#!/usr/bin/env bash
# Run the browser tests: Debian's Chromium prints every page, axe-core looks for what shuts people out.
#
# Chromium is taken from SAMBAND_CHROMIUM or PATH; where there is none and we are root on a Debian, it is installed.
# axe-core (MPL-2.0) comes from npm, is pinned by its SHA-256, used unchanged and never shipped; it lies in the cache.
# Arguments go on to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

AXE=4.14.1
AXE_SHA256=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c

stop() { printf 'samband: %s. Way out: %s.\n' "$1" "$2" >&2; exit 1; }

chromium() {
  for each in "${SAMBAND_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$each" ] && type -P "$each" && return
  done
  return 1
}

if ! SAMBAND_CHROMIUM=$(chromium); then
  { [ "$(id -u)" = 0 ] && command -v apt-get; } >/dev/null ||
    stop 'there is no Chromium' 'install one, or name it in SAMBAND_CHROMIUM'
  log=$(mktemp)
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1 ||
    { tail -5 "$log" >&2; stop 'Chromium could not be installed' 'see above'; }
  rm -f "$log"
  SAMBAND_CHROMIUM=$(chromium)
fi

SAMBAND_AXE=$(.venv/bin/python -c 'from samband.streams.jars import cache_folder; print(cache_folder())')/axe-core-$AXE.js
if [ ! -f "$SAMBAND_AXE" ]; then
  command -v npm >/dev/null || stop 'there is no npm to fetch axe-core with' 'install Node.js'
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  (cd "$scratch" && npm pack --silent "axe-core@$AXE" >/dev/null && tar xzf ./*.tgz) ||
    stop 'axe-core could not be fetched' 'connect to the network and try again'
  mkdir -p "$(dirname "$SAMBAND_AXE")"
  mv "$scratch/package/axe.min.js" "$SAMBAND_AXE"
fi
echo "$AXE_SHA256  $SAMBAND_AXE" | sha256sum --check --quiet ||
  { rm -f "$SAMBAND_AXE"; stop 'axe-core is not the one that is pinned here' 'find out why before you go on'; }

export SAMBAND_CHROMIUM SAMBAND_AXE
.venv/bin/python -m pytest tests/browser "$@"
