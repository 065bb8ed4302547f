#!/usr/bin/env bash
# A real hub against tests/system/prog_hub_attachments.c: one named test a line.
exec "$BUILD/prog_hub_attachments"
