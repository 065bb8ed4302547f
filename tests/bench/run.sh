#!/usr/bin/env bash
# Figures, one JSON object a line. The store must lie on a disk: TMPDIR says where. What was built
# with other flags than "make install" builds with gives no figure.
#   tests/bench/run.sh [--quick] [accept|batch|ceiling|life|oneway|fanout|drain|idle|restart|proof|hostile|node|attach …]
set -eu
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-build}
BUILD=$(cd "$BUILD" && pwd)

code_of() { # -I and -W change no code, but for -Wl
    tr -s ' ' '\n' | grep -v -e '^-I' -e '^-W[^l]' -e '^/$' | paste -s -d ' '
}
built=$(code_of <"$BUILD/flags")
wanted=$(env -u MAKEFLAGS -u MFLAGS make -s --no-print-directory BUILD="$BUILD" CC=gcc MODE= \
    CFLAGS= LDFLAGS= WERROR= flags | code_of)
if [ "$built" != "$wanted" ]; then
    printf 'bench: void: %s was built with other flags than make install\n  %s\n  %s\n' \
        "$BUILD" "$built" "$wanted" >&2
    exit 1
fi
export BENCH_FLAGS=$built
# syncs of the rows that run the hub's core in the program itself are counted, too
RELAIS_SYNCS=$(mktemp)
trap 'rm -f "$RELAIS_SYNCS"' EXIT
export RELAIS_SYNCS LD_PRELOAD=$BUILD/preload_syncs.so

hub=() own=() quick=()
for word in "$@"; do
    case $word in
    --quick) quick=(--quick) ;;
    node | attach) own+=("$word") ;;
    *) hub+=("$word") ;;
    esac
done
[ $((${#hub[@]} + ${#own[@]})) -gt 0 ] || own=(node attach) all=1
if [ ${#hub[@]} -gt 0 ] || [ "${all:-0}" = 1 ]; then "$BUILD/bench_hub" "${quick[@]}" "${hub[@]}"; fi
for one in "${own[@]}"; do "$BUILD/bench_$one" "${quick[@]}"; done
