#!/usr/bin/env bash
# relais-verify and what witnesses have cosigned (tests/system/prog_verify.c): one named test a line.
exec "$BUILD/prog_verify"
