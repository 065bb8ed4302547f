#!/usr/bin/env bash
# Adds up what the runners counted and closes with the line that people and CI read.
#   tests/tally.sh TALLY_DIR SUITE...
# A suite that left no count has failed: it was not run.
set -u
dir=$1
shift
passed=0 failed=0 skipped=0
echo
for suite in "$@"; do
    p=0 f=1 s=0 note=' (left no count)'
    if [ -s "$dir/$suite" ]; then
        note=''
        read -r p f s <"$dir/$suite"
        s=${s:-0}
        if [ $((p + f)) -eq 0 ]; then
            f=1 note=' (ran nothing)'
        fi
    fi
    [ "$s" -eq 0 ] || note="$note, $s skipped"
    printf '%-16s %5d passed %4d failed%s\n' "$suite" "$p" "$f" "$note"
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
done
if [ "$skipped" -eq 0 ]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" -eq 0 ]
