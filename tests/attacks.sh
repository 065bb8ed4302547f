#!/usr/bin/env bash
# Everything that attacks a hub or a node, at daemons built with AddressSanitizer and UBSan:
#   tests/attacks.sh SUITE TREE TALLY_DIR        TREE: built with MODE=san, `all programs`
# Fails on a failed attack, on any report of a sanitizer, even of a daemon whose end nobody looks
# at, on a tree without sanitizers, and if a program or case attacked nothing.
set -u
suite=$1 tree=$2 tally=$3
least=60 # named attacks; there are more
reports=$tree/reports-$suite
rm -rf "$reports"
mkdir -p "$reports"
# a small quarantine: tests bound the memory of the hub
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=8:log_path=$reports/report
export UBSAN_OPTIONS=print_stacktrace=1
export SYSTEM_LIMIT_S=${SYSTEM_LIMIT_S:-400}

for program in relais-hub relais-node evil_hub; do
    grep -q __asan_init "$tree/$program" || {
        echo "attacks: $tree/$program has no sanitizer"
        echo '0 1' >"$tally/$suite"
        exit 1
    }
done
status=0
tests/run_system.sh "$suite" "$tree" "$tally" \
    evil_hub hub_hostile hub_door hub_envelopes hub_sessions hub_circles || status=1
read -r passed failed <"$tally/$suite"
found=$(find "$reports" -type f | wc -l)
[ "$found" -eq 0 ] || find "$reports" -type f | head -n 3 | xargs head -n 40
attacks=$(cat "$tree/log-$suite"/test_*.out | grep -c '^ok ')
echo "attacks: $attacks, reports of sanitizers: $found"
if [ "$found" -ne 0 ] || [ "$attacks" -lt "$least" ]; then
    failed=$((failed + 1)) status=1
fi
echo "$passed $failed" >"$tally/$suite"
exit "$status"
