#!/usr/bin/env bash
# Our node with witnesses, beside hubs and nodes that come back from the past: tests/evil/README.md.
exec bash tests/evil/evil.sh "$BUILD" "$BUILD/relais-node" witnessed restored behind blind tail worlds node
