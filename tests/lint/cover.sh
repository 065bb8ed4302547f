#!/usr/bin/env bash
# Line and branch coverage of proto/ and of the hub's admission, by unit tests and corpora.
#   tests/lint/cover.sh TREE         tables in TREE/coverage-*.txt, sources in TREE/html/
set -eu
tree=$1
least=90
status=0
find "$tree" -name '*.gcda' -delete
tests/run_unit.sh unit-cover "$tree" "$tree/tally" || status=1
for fuzzer in "$tree"/replay/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    find "tests/fuzz/corpus/${fuzzer##*/fuzz_}" -type f -print0 | xargs -0 -r "$fuzzer" 2>/dev/null
done

# Branches that the compiler made and no input can take are not counted.
gcovr --root . --filter 'proto/' --filter 'hub/admit' --gcov-ignore-parse-errors \
    --exclude-unreachable-branches --exclude-throw-branches --json "$tree/coverage.json" "$tree"
mkdir -p "$tree/html"
gcovr --root . --add-tracefile "$tree/coverage.json" --txt "$tree/coverage-lines.txt"
gcovr --root . --add-tracefile "$tree/coverage.json" --branches --txt "$tree/coverage-branches.txt"
gcovr --root . --add-tracefile "$tree/coverage.json" --html-details "$tree/html/index.html"
for what in lines branches; do
    echo "$what:"
    sed -n '/^---/,$p' "$tree/coverage-$what.txt"
done
gcovr --root . --add-tracefile "$tree/coverage.json" --print-summary --txt "$tree/coverage.txt" \
    --fail-under-line "$least" --fail-under-branch "$least" || {
    echo "cover: lines or branches under $least %: see $tree/html/index.html" >&2
    status=1
}
exit "$status"
