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
[ "$status" -ne 0 ] || node verify.mjs >"$log" 2>&1 || status=$?

# the verifier counts for itself; if it could not, it has failed once
read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$log" | tail -n 1)
passed=${passed:-0} failed=${failed:-0}
if [ $((passed + failed)) -eq 0 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
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
