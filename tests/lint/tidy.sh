#!/bin/sh
# clang-tidy on one file, silent when it has nothing to say (it counts hidden warnings otherwise).
#   tests/lint/tidy.sh CLANG_TIDY FILE [OPTION...] -- FLAG...
set -u
tidy=$1
shift
file=$1
# The analyser cannot follow the lists inside uthash: every HASH_DEL in a loop is a use after free
# to it. Sanitizers watch those files instead. --checks adds to what .clang-tidy says.
! grep -qE '\bHASH_(ADD|DEL|FIND|ITER)' "$file" || set -- --checks=-clang-analyzer-unix.Malloc "$@"
out=$("$tidy" --quiet "$@" 2>&1) && exit 0
printf '%s\n' "$out" | grep -v -e '^[0-9]* warnings\{0,1\} ' -e 'Suppressed' >&2
exit 1
