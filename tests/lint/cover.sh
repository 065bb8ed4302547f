#!/usr/bin/env bash
# Line and branch coverage, by unit tests and corpora, of two groups, each of which must reach
# 90 % of its lines and 90 % of its branches alone:
#   proto      what hub, node and verifier share
#   admission  what an envelope passes in the hub from the worker to its end: verification, the
#              group and its commit, decision, log, circles, mailboxes, delivery, acknowledgement,
#              and what decides whether it is heard at all: turns, quotas in flight, clock, epochs,
#              deputies, silences and absences, operators and their acts, a restored hub
#   tests/lint/cover.sh TREE         tables in TREE/coverage-*.txt, sources in TREE/html-*/
#
# System tests are not counted: they kill daemons as they please, and whoever dies by SIGKILL
# writes no counters. Left out of the count: branches that the compiler made from no code of ours,
# and those inside the macros of uthash (tables that grow, hash strides), on lines that hold
# nothing else.
set -eu
tree=$1
least=90
status=0
admission="ack admit audit circles core declare deliver ends items mailbox proven recall report"
admission="$admission say session workers account behind epochs fair session_table steady"
admission="$admission window deputy silence absence_commands restore operator_act operators"
admission="$admission operators_list operators_mean operators_rows"
for file in $admission; do # a file that moved would leave the count unseen
    [ -f "hub/$file.c" ] || {
        echo "cover: hub/$file.c is not there" >&2
        exit 1
    }
done

find "$tree" -name '*.gcda' -delete
tests/run_unit.sh unit-cover "$tree" "$tree/tally" || status=1
for fuzzer in "$tree"/replay/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    find "tests/fuzz/corpus/${fuzzer##*/fuzz_}" -type f -print0 | xargs -0 -r "$fuzzer" 2>/dev/null
done

measure() { # NAME FILTER
    local name=$1 trace=$tree/coverage-$1.json
    gcovr --root . --filter "$2" --gcov-ignore-parse-errors --exclude-unreachable-branches \
        --exclude-throw-branches --exclude-branches-by-pattern '\s*HASH_(ADD|DEL|FIND)\(' \
        --json "$trace" "$tree"
    mkdir -p "$tree/html-$name"
    gcovr --root . --add-tracefile "$trace" --txt "$tree/coverage-$name-lines.txt"
    gcovr --root . --add-tracefile "$trace" --branches --txt "$tree/coverage-$name-branches.txt"
    gcovr --root . --add-tracefile "$trace" --html-details "$tree/html-$name/index.html"
    for what in lines branches; do
        echo "$name, $what:"
        sed -n '/^---/,$p' "$tree/coverage-$name-$what.txt"
    done
    gcovr --root . --add-tracefile "$trace" --print-summary --txt "$tree/coverage-$name.txt" \
        --fail-under-line "$least" --fail-under-branch "$least" || {
        echo "cover: $name: lines or branches under $least %: see $tree/html-$name/index.html" >&2
        status=1
    }
}

measure proto 'proto/'
measure admission "hub/(${admission// /|})\.c\$"
exit "$status"
