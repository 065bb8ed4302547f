#!/usr/bin/env bash
# Runs the system tests (tests/system/test_*.sh), two at a time, one line each; a failing one is
# shown in full. Each gets BUILD (absolute), TREE (a directory of its own, removed when it
# passed) and SYSTEM_LIMIT_S seconds; what it leaves running in its own process group is ended.
#   tests/run_system.sh SUITE BUILD_TREE TALLY_DIR [NAME...]      NAME: only these, without test_
set -u
suite=$1 tally=$3
BUILD=$(cd "$2" && pwd)
export BUILD
shift 3
limit_s=${SYSTEM_LIMIT_S:-120}
logs=$BUILD/log-$suite
rm -rf "$logs"
mkdir -p "$logs" "$tally"
if [ $# -gt 0 ]; then
    names=$(printf 'test_%s\n' "$@")
else
    names=$(cd tests/system && ls -d test_*.sh 2>/dev/null | sed 's/\.sh$//')
fi

one() { # NAME LOGS LIMIT_S
    local log=$2/$1 status=0 start=$SECONDS
    export TREE=$2/$1.d
    mkdir -p "$TREE"
    # timeout makes a process group of its own, so a signal reaches everything the test started
    timeout --kill-after=10 "$3" bash "tests/system/$1.sh" >"$log.out" 2>&1 </dev/null || status=$?
    [ "$status" -ne 124 ] || echo "stopped after $3 s" >>"$log.out"
    [ "$status" -ne 0 ] || rm -rf "$TREE"
    echo "$status $((SECONDS - start))" >"$log.status"
}
export -f one
printf '%s\n' "$names" | grep . | xargs -r -P "${SYSTEM_JOBS:-2}" -I{} bash -c 'one "$@"' one {} "$logs" "$limit_s" 2>/dev/null

passed=0 failed=0
for name in $names; do
    status=1 took_s=0
    [ ! -f "$logs/$name.status" ] || read -r status took_s <"$logs/$name.status"
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        printf 'ok    %s %s (%d s)\n' "$suite" "$name" "$took_s"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s %s (exit status %d, %d s)\n' "$suite" "$name" "$status" "$took_s"
        tail -n 120 "$logs/$name.out" 2>/dev/null | sed 's/^/      /'
    fi
done
echo "$passed $failed" >"$tally/$suite"
[ "$failed" -eq 0 ]
