#!/usr/bin/env bash
# Our node beside a compromised hub: tests/evil/README.md.
exec bash tests/evil/evil.sh "$BUILD" "$BUILD/relais-node"
