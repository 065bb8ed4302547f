#!/usr/bin/env bash
# Of tests/system/prog_hub_hostile.c: one member among two hundred, with many connections, reads no
# answer.
exec "$BUILD/prog_hub_hostile" who_leaves_answers_unread
