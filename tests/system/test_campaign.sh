#!/usr/bin/env bash
# The defects of the selftest fit the source. And a fault campaign says so when a kind of fault that
# belongs to it never happened: one kind is left out, all else is in order, and it fails for that one.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$TREE" || exit 1
status=0
for defect in "$top"/tests/faults/defects/*.patch; do
    patch -d "$top" --dry-run -p1 --fuzz=0 -s <"$defect" || status=1
done
[ "$status" -eq 0 ] || { echo 'not ok a defect of the selftest does not apply any more'; exit 1; }
echo 'ok every defect of the selftest applies'
"$BUILD/faults" --history all --only stop,kill-commit --rounds 2 --no-links --no-nodes >out 2>err || status=$?
grep -q '^faults: rounds [1-9].* lost 0, doubled 0, disordered 0, unexplained 0, seed' out || status=9
if [ "$status" -ne 0 ]; then
    echo "not ok a campaign of two kinds: status $status"
    cat out err
    exit 1
fi
"$BUILD/faults" --history some --only stop,kill-commit --rounds 2 --no-links --no-nodes --without kill-commit >out 2>err
status=$?
cat out
if [ "$status" -ne 1 ] || ! grep -q 'kill-commit   NEVER HAPPENED' out || grep -q 'stop   NEVER' out ||
    ! grep -q ' lost 0, doubled 0, disordered 0, unexplained 0, seed' out; then
    echo "not ok without one kind: status $status"
    cat err
    exit 1
fi
status=0
"$BUILD/faults" --history none --only stop,kill-comit >out 2>&1 || status=$?
[ "$status" -eq 2 ] || { echo "not ok a kind that nobody knows: status $status"; exit 1; }
echo 'ok a kind that never happened is missed'
