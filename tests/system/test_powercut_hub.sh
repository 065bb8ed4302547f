#!/usr/bin/env bash
# A real hub under load, its machine's current cut at many moments (prog_powercut_hub.c).
# POWERCUT_IMAGES and POWERCUT_SEED ask for more, or for others.
exec "$BUILD/prog_powercut_hub"
