#!/usr/bin/env bash
# Power cuts: the recorder, its model, the store and the file functions (prog_powercut.c).
exec "$BUILD/prog_powercut"
