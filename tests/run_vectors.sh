#!/usr/bin/env bash
# Runs the second implementation (JavaScript, written from PROTOCOL.md alone) over proto/vectors/.
#   tests/run_vectors.sh SUITE TALLY_DIR
set -u
suite=$1
mkdir -p "$2"
tally=$(cd "$2" && pwd)/$suite
cd "$(dirname "$0")/vectors-js" || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# "npm ci" takes a while and the network: only when the lock file is newer than what it brought
status=0
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1 || status=$?
    [ ! -d node_modules ] || touch node_modules/.package-lock.json
fi
if [ "$status" -eq 0 ]; then
    node verify.mjs >"$log" 2>&1 || status=$?
    # the control: a judge that finds nothing must find what was made wrong on purpose
    node verify.mjs --selftest >>"$log" 2>&1 || status=$?
fi

# the verifier counts for itself, once for the vectors and once for its control
read -r passed failed runs < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" |
    awk '{ p += $1; f += $2; n++ } END { print p + 0, f + 0, n + 0 }')
if [ "$runs" -ne 2 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
    failed=$((failed + 1))
fi
echo "$passed $failed" >"$tally"
if [ "$failed" -eq 0 ]; then
    printf 'ok    %s (%d)\n' "$suite" "$passed"
else
    printf 'FAIL  %s (%d passed, %d failed)\n' "$suite" "$passed" "$failed"
    tail -n 80 "$log" | sed 's/^/      /'
    exit 1
fi
