#!/usr/bin/env bash
# Of tests/system/prog_hub_hostile.c: many members among two hundred read no answer.
exec "$BUILD/prog_hub_hostile" many_who_leave_answers_unread
