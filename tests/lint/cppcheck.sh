#!/bin/sh
# cppcheck over all that ships; what it learned of unchanged files is kept in CACHE.
#   tests/lint/cppcheck.sh CACHE
set -eu
# what was learned under other settings is worth nothing
[ -z "$(find tests/lint -newer "$1/.settings" 2>/dev/null)" ] && [ -e "$1/.settings" ] || rm -rf "$1"
mkdir -p "$1"
touch "$1/.settings"
includes=$(ls -d include proto/*/ hub/ node/ hub/*/ node/*/ 2>/dev/null | sed 's|^|-I|')
files=$(ls -d proto/*/*.c hub/*.c hub/*/*.c node/*.c node/*/*.c 2>/dev/null || true)
echo "cppcheck: $(echo "$files" | wc -w) files"
# shellcheck disable=SC2086  # one word a file
[ -z "$files" ] || cppcheck --quiet --std=c11 --language=c --platform=unix64 -j "$(nproc)" \
    --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --cppcheck-build-dir="$1" --suppressions-list=tests/lint/cppcheck.suppress \
    -D_GNU_SOURCE -D__GNUC__=12 '-D__attribute__(x)=' \
    --library=posix --library=tests/lint/uthash.cfg $includes $files
