#!/usr/bin/env bash
# Real nodes whose machines lose their current (prog_powercut_node.c).
exec "$BUILD/prog_powercut_node"
