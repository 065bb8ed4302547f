#!/usr/bin/env bash
# A real hub against tests/system/prog_hub_upkeep.c: one named test a line.
exec "$BUILD/prog_hub_upkeep"
