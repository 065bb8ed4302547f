#!/usr/bin/env bash
# A fault campaign (tests/faults/README.md): its findings and its counts.
#   tests/faults/run.sh BUILD_TREE [--seed N] [--rounds N] [--short] [--only KIND,...]
# Stores lie where TMPDIR says. The history of a campaign that found something is kept beside it.
#   TALLY=file: one campaign passed or failed, for tests/tally.sh
set -u
BUILD=$(cd "$1" && pwd)
export BUILD
shift
work=$(mktemp -d "${TMPDIR:-/tmp}/relais-faults.XXXXXX")
status=0
TREE=$work "$BUILD/faults" --history "$work/history" "$@" || status=$?
if [ "$status" -eq 0 ]; then
    rm -rf "$work"
else
    echo "faults: what was seen is in $work" >&2
fi
if [ -n "${TALLY:-}" ]; then
    mkdir -p "$(dirname "$TALLY")"
    echo "$((status == 0)) $((status != 0))" >"$TALLY"
fi
exit "$status"
