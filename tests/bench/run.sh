#!/usr/bin/env bash
# Figures, one JSON object a line. The store must lie on a disk: TMPDIR says where.
#   tests/bench/run.sh [--quick] [accept|oneway|idle|restart …]
set -eu
export BUILD=${BUILD:-build}
exec "$BUILD/bench_hub" "$@"
