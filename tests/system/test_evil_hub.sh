#!/usr/bin/env bash
# Our node beside a compromised hub: tests/evil/README.md.
exec bash tests/evil/evil.sh "$BUILD" "$BUILD/relais-node" drop delay reorder replay withhold \
    fork-audit fork-keys false-proof equivocate rollback cut-tail forge-delivered substitute epoch
