#!/usr/bin/env bash
# Does the campaign find what it is there to find? Each defect of tests/faults/defects is put into
# a copy of the tree, built, and must be found within the rounds its patch states, by the kinds of
# fault it names. The copy without any defect, under all those kinds, must show nothing.
#   tests/faults/selftest.sh WORK_DIR [NAME...]
# Exit 1: one was not found, a patch does not apply, or the copy without defect showed something.
set -u
mkdir -p "$1"
work=$(cd "$1" && pwd)
here=$(pwd)
shift
cd "$(dirname "$0")/../.." || exit 1
if [ $# -gt 0 ]; then
    patches=$(printf 'tests/faults/defects/%s.patch\n' "$@")
else
    patches=$(ls tests/faults/defects/*.patch)
fi
missed=0 table=''

of() { sed -n "s/^$2: //p" "$1" | head -n 1; } # PATCH KEY

build() { make -C "$work/tree" BUILD="$work/build" -j"$(nproc)" all programs >"$work/make.log" 2>&1; }

row() { table+=$(printf '%-28s %7s  %s' "$1" "$2" "$3")$'\n'; }

campaign() { # NAME KINDS ROUNDS PATIENCE: its last line
    "$work/tree/tests/faults/run.sh" "$work/build" --only "$2" --rounds "$3" --patience "$4" >"$work/$1.out" 2>"$work/$1.err"
    tail -n 1 "$work/$1.out"
}

# files of the present tree, committed or not; modification times are kept, so little is built anew
copy() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree"
    git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do
        [ ! -e "$f" ] || printf '%s\0' "$f"
    done | tar --null -T - -cf - | tar -C "$work/tree" -xf -
    # a build that was interrupted may hold a defect in an object that is newer than its source
    sed -n 's|^+++ b/||p' tests/faults/defects/*.patch | sort -u | (cd "$work/tree" && xargs touch)
}

TMPDIR=$work/runs
export TMPDIR
rm -rf "$TMPDIR"
mkdir -p "$TMPDIR"
copy
if ! build; then
    tail -n 20 "$work/make.log"
    exit 1
fi
kinds=$(for p in $patches; do of "$p" Kinds; done | tr ',' '\n' | sort -u | paste -sd,)
rounds=$(($(printf '%s' "$kinds" | tr ',' '\n' | wc -l) * 4 + 4))
last=$(campaign none "$kinds" "$rounds" 30)
counts='lost 0, doubled 0, disordered 0, unexplained 0'
if grep -q "$counts" <<<"$last"; then
    row '(no defect)' "$rounds" 'nothing found, as it must be'
else
    row '(no defect)' "$rounds" "SHOWS: ${last#*accepted }"
    missed=1
fi
for p in $patches; do
    name=$(basename "$p" .patch)
    rounds=$(of "$p" Rounds)
    if ! patch -d "$work/tree" -p1 --fuzz=0 -s <"$p" >"$work/patch.log" 2>&1; then
        row "$name" "$rounds" 'THE PATCH DOES NOT APPLY'
        missed=1
        copy
        continue
    fi
    if ! build; then
        row "$name" "$rounds" 'DOES NOT BUILD'
        missed=1
    else
        last=$(campaign "$name" "$(of "$p" Kinds)" "$rounds" 4)
        case $last in
        *"$counts"*) row "$name" "$rounds" 'NOT FOUND' && missed=1 ;;
        faults:*) row "$name" "$rounds" "found: ${last#*accepted *, }" ;;
        *) row "$name" "$rounds" "found: the campaign ended: $(tail -n 1 "$work/$name.err")" ;;
        esac
    fi
    patch -d "$work/tree" -p1 -R -s <"$p" >"$work/patch.log" 2>&1 || copy
    rm -rf "${TMPDIR:?}"/*
done
cd "$here" || exit 1
printf '%-28s %7s\n%s' 'defect' 'rounds' "$table"
if [ "$missed" -eq 0 ]; then
    echo 'faults-selftest: every defect was found'
else
    echo 'faults-selftest: FAILED'
fi
exit "$missed"
