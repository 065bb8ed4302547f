#!/usr/bin/env bash
# What other systems got wrong, at real hubs and nodes (tests/system/prog_traps.c).
exec "$BUILD/prog_traps"
