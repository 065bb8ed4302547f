#!/usr/bin/env bash
# Runs every unit test of a build tree, a few at a time, one line each, and tallies test by test.
#   tests/run_unit.sh SUITE TREE TALLY_DIR      (WRAP="valgrind ..." runs each under a program)
# A test that fails is shown in full. A test that crashes, or runs nothing, has failed.
set -u
suite=$1 tree=$2 tally=$3
limit_s=${UNIT_LIMIT_S:-120}
logs=$tree/log-$suite
rm -rf "$logs"
mkdir -p "$logs" "$tally"
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1:detect_stack_use_after_return=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# what the sources ask for, so that a binary left from a deleted test does not run
tests=$(cd tests/unit && ls -d ./*/test_*.c 2>/dev/null | sed 's|^\./||; s|\.c$||')

one() { # NAME: its output in a file, its verdict "passed failed" in another
    local name=$1 log=$2/${1//\//.} status=0 planned passed failed
    # shellcheck disable=SC2086  # WRAP is a command with arguments
    timeout --kill-after=5 "$4" ${WRAP:-} "$3/unit/$name" >"$log.out" 2>&1 </dev/null || status=$?
    planned=$(sed -n 's/^[[:space:]]*1\.\.\([0-9][0-9]*\).*/\1/p' "$log.out" | awk '{n += $1} END {print n + 0}')
    passed=$(grep -c '^[[:space:]]*ok [0-9]' "$log.out")
    skipped=$(grep -c '^[[:space:]]*not ok [0-9]* # SKIP' "$log.out")
    failed=$((planned > passed + skipped ? planned - passed - skipped : 0))
    if [ "$planned" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; }; then
        failed=$((failed + 1))
    fi
    [ "$status" -ne 124 ] || echo "stopped after $4 s" >>"$log.out"
    [ "$status" -eq 0 ] || echo "exit status $status" >>"$log.out"
    echo "$passed $failed $skipped" >"$log.verdict"
}
export -f one
printf '%s\n' "$tests" | grep . | xargs -r -P "$(nproc)" -I{} bash -c 'one "$@"' one {} "$logs" "$tree" "$limit_s" 2>/dev/null

all_passed=0 all_failed=0 all_skipped=0
for name in $tests; do
    log=$logs/${name//\//.}
    passed=0 failed=1 skipped=0
    [ ! -f "$log.verdict" ] || read -r passed failed skipped <"$log.verdict"
    all_skipped=$((all_skipped + skipped))
    [ "$skipped" -eq 0 ] || sed -n "s/^.*SKIPPED: /      skipped in ${name//\//.}: /p" "$log.out"
    all_passed=$((all_passed + passed))
    all_failed=$((all_failed + failed))
    if [ "$failed" -eq 0 ]; then
        printf 'ok    %s %s (%d)\n' "$suite" "$name" "$passed"
    else
        printf 'FAIL  %s %s (%d passed, %d failed)\n' "$suite" "$name" "$passed" "$failed"
        sed 's/^/      /' "$log.out" | tail -n 80
    fi
done
echo "$all_passed $all_failed $all_skipped" >"$tally/$suite"
[ "$all_failed" -eq 0 ]
