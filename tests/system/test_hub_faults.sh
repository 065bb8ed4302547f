#!/usr/bin/env bash
# A real hub on a failing disk (tests/system/prog_hub_faults.c): one named test a line.
exec "$BUILD/prog_hub_faults" -killed -trap_order -trap_expired
