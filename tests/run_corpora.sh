#!/usr/bin/env bash
# Runs every fuzzer over its seeds; with FUZZ_S set, fuzzes each for that many seconds as well.
#   tests/run_corpora.sh SUITE TREE TALLY_DIR
# One fuzzer is one test. It fails on a finding, when it has no seeds, and when no input reached
# the accept path: a fuzzer that is always refused at the door proves nothing.
set -u
suite=$1 tree=$(cd "$2" && pwd) tally=$3
logs=$tree/log-$suite
rm -rf "$logs"
mkdir -p "$logs" "$tally"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
fuzzers=$(cd tests/fuzz && ls -d fuzz_*.c 2>/dev/null | grep -vx 'fuzz_main_note.c' | sed 's/\.c$//')

one() { # NAME
    local name=$1 what=${1#fuzz_} log=$2/$1 status=0
    local seeds=tests/fuzz/corpus/$what grown=$3/corpus/$what
    if [ -n "${FUZZ_S:-}" ]; then
        mkdir -p "$grown" "$3/findings"
        "$3/fuzz/$name" -max_total_time="$FUZZ_S" -timeout=10 -rss_limit_mb=1024 -max_len=16384 \
            -artifact_prefix="$3/findings/$name-" -print_final_stats=1 \
            "$grown" "$seeds" >"$log.out" 2>&1 </dev/null || status=$?
    else
        "$3/fuzz/$name" -runs=0 -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$log-" \
            "$seeds" >"$log.out" 2>&1 </dev/null || status=$?
    fi
    echo "$status" >"$log.status"
}
export -f one
printf '%s\n' "$fuzzers" | grep . | xargs -r -P "$(nproc)" -I{} bash -c 'one "$@"' one {} "$logs" "$tree" 2>/dev/null

passed=0 failed=0
for name in $fuzzers; do
    seeds=$(find "tests/fuzz/corpus/${name#fuzz_}" -type f 2>/dev/null | wc -l)
    status=$(cat "$logs/$name.status" 2>/dev/null || echo 1)
    accepted=$(sed -n 's/^fuzz_accepted \([0-9][0-9]*\)$/\1/p' "$logs/$name.out" | tail -n 1)
    why=''
    [ "$seeds" -gt 0 ] || why='no seeds'
    [ "${accepted:-0}" -gt 0 ] || why="no input was accepted"
    [ "$status" -eq 0 ] || why="exit status $status"
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/$name.out")
    if [ -z "$why" ]; then
        passed=$((passed + 1))
        printf 'ok    %s %s (%d seeds, %d accepted%s)\n' "$suite" "$name" "$seeds" "$accepted" \
            "${runs:+, $runs runs}"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s %s: %s\n' "$suite" "$name" "$why"
        grep -av '" # Uses: ' "$logs/$name.out" | tail -n 60 | sed 's/^/      /'
    fi
done
echo "$passed $failed" >"$tally/$suite"
[ "$failed" -eq 0 ]
