#!/usr/bin/env bash
# A real hub against tests/system/prog_hub_hostile.c: one named test a line.
exec "$BUILD/prog_hub_hostile" -unread
