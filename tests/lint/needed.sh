#!/bin/sh
# Refuses a program that needs other shared libraries than those named.
#   tests/lint/needed.sh PROGRAM LIBRARY...        needed.sh build/relais-verify libsodium libc
set -eu
program=$1
shift
for lib in $(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\.so.*/\1/p'); do
    case " $* " in
    *" $lib "*) ;;
    *)
        echo "$program needs $lib, and may need only: $*" >&2
        rm -f "$program"
        exit 1
        ;;
    esac
done
