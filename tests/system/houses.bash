# houses - a real hub and real nodes for one test: a directory of its own, removed when all is well,
# and the words of the demo. Sourced by bash under set -euo pipefail.
umask 077
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../deploy/demo" && pwd)
BUILD=$(cd "$BUILD" && pwd)
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/$(basename "$0" .sh)-XXXXXX")
. "$HERE/lib.sh"
. "$HERE/enrol.sh"
. "$HERE/care.sh"
end() {
    local status=$?
    for name in "${!pid[@]}"; do
        kill -KILL "${pid[$name]}" 2>/dev/null || true
        wait "${pid[$name]}" 2>/dev/null || true
    done
    [ "$status" -ne 0 ] || rm -rf "$top"
    [ "$status" -eq 0 ] || echo "not ok: $top is kept"
}
trap end EXIT
cd "$top"

quietly() { "$@" >/dev/null; }

# One more house, on its way to all that are named.
house() { # NAME [MORE OF invite...]
    local who=$1
    shift
    invite "$who" "$@"
    compare "$who"
    registrar_signs "actes/$who.demande"
    enrolled "$who"
}
knows() { node "$1" org list && [ "$(count_of orgs)" -eq "$2" ]; } # NODE HOUSES
