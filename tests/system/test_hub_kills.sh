#!/usr/bin/env bash
# A real hub killed, restarted, and a month later (tests/system/prog_hub_faults.c).
exec "$BUILD/prog_hub_faults" killed trap_order trap_expired
