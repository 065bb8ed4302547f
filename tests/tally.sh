#!/usr/bin/env bash
# Adds up what the runners counted and closes with the line that people and CI read.
#   tests/tally.sh TALLY_DIR SUITE...
# A suite that left no count has failed: it was not run.
set -u
dir=$1
shift
passed=0 failed=0
echo
for suite in "$@"; do
    p=0 f=1 note=' (left no count)'
    if [ -s "$dir/$suite" ]; then
        note=''
        read -r p f <"$dir/$suite"
        if [ $((p + f)) -eq 0 ]; then
            f=1 note=' (ran nothing)'
        fi
    fi
    printf '%-16s %5d passed %4d failed%s\n' "$suite" "$p" "$f" "$note"
    passed=$((passed + p))
    failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
