#!/usr/bin/env bash
# A real hub and two real nodes against tests/system/prog_attachments.c: one named test a line.
exec "$BUILD/prog_attachments"
