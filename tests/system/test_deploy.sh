#!/usr/bin/env bash
# What is installed beside the programs agrees with them: units, pages, alert rules, SBOM.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/deploy-XXXXXX")
trap 'rm -rf "$top"' EXIT
BUILD=$(cd "$BUILD" && pwd)
failed=0
check() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$top/out" 2>&1; then echo "ok $name"; else
        echo "not ok $name"
        sed 's/^/    /' "$top/out" | head -n 20
        failed=1
    fi
}

# --- units ----------------------------------------------------------------------------------------
has_all() { # FILE LINE...
    local file=$1 line missing=0
    shift
    for line in "$@"; do
        grep -qxF -- "$line" "$file" || { echo "$file lacks $line"; missing=1; }
    done
    return "$missing"
}
hardened=(Type=notify WatchdogSec=60 Restart=on-failure UMask=0077 NoNewPrivileges=yes
    CapabilityBoundingSet= ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes
    MemoryDenyWriteExecute=yes LimitCORE=0 RestrictNamespaces=yes LockPersonality=yes
    SystemCallFilter=@system-service
    SystemCallArchitectures=native)
for name in hub node; do
    unit=deploy/systemd/relais-$name.service
    check "relais-$name.service is hardened" has_all "$unit" "${hardened[@]}"
    check "relais-$name.service bounds memory and descriptors" \
        test "$(grep -cE '^(MemoryMax|LimitNOFILE|LoadCredential|TimeoutStopSec)=.' "$unit")" = 4
    # what libzmq does in each of its threads, and (a listener) once: without it the daemon aborts
    check "relais-$name.service lets its transport start" \
        grep -qE '^SystemCallFilter=[a-z].* sched_setscheduler' "$unit"
    check "the credential of relais-$name is the one it reads" \
        grep -rqF "$(sed -n 's/^LoadCredential=\([^:]*\):.*/\1/p' "$unit")" "$name" --include='*.c'
done
check 'relais-hub.service speaks the families it needs' has_all deploy/systemd/relais-hub.service \
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK'
check 'relais-node.service speaks the families it needs' has_all deploy/systemd/relais-node.service \
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX'
if command -v systemd-analyze >/dev/null 2>&1; then
    for unit in deploy/systemd/*; do
        sed 's|/usr/local/bin/relais-[a-z]*|/bin/true|' "$unit" >"$top/${unit##*/}"
    done
    verify() {
        ! (cd "$top" && systemd-analyze verify --man=no ./relais-*.service ./relais-*.timer 2>&1) |
            grep -E '^[./]*relais-|Unknown|Invalid|not found'
    }
    check 'systemd reads every unit without complaint' verify
    exposure() { # at most 2.0 of 10
        local said
        said=$(systemd-analyze security --offline=true "$top/relais-$1.service" |
            sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
        echo "$said"
        awk -v n="$said" 'BEGIN { exit !(n != "" && n <= 2.0) }'
    }
    check 'the exposure of the hub is small' exposure hub
    check 'the exposure of the node is small' exposure node
fi

# --- pages ----------------------------------------------------------------------------------------
commands_of() { # PROGRAM: the first word of each, out of --help
    "$BUILD/$1" --help | awk '/^Commandes/ { on = 1; next } /^[A-Z]/ { on = 0 }
        (on || program == "relais-hub") && /^  [a-z]/ { print $1 } /^Options/ && program == "relais-hub" { exit }' \
        program="$1" | sort -u
}
commands_are_there() { # PROGRAM: each command of --help stands in its man page
    local page=$top/$1.1 word missing=0 n=0
    deploy/man.sh "deploy/man/$1.1" "$BUILD/$1" >"$page" || return 1
    while read -r word; do
        n=$((n + 1))
        sed 's/\\-/-/g' "$page" | grep -qE "^\.B \"$word[ \"]" || { echo "no $word"; missing=1; }
    done < <(commands_of "$1")
    [ "$n" -gt 10 ] && [ "$missing" -eq 0 ]
}
check 'the page of relais-hub has every command' commands_are_there relais-hub
check 'the page of relais-node has every command' commands_are_there relais-node
check 'the page of relais-verify is there' test -s deploy/man/relais-verify.1

# --- figures and rules ----------------------------------------------------------------------------
names_exist() {
    local name missing=0 n=0
    while read -r name; do
        n=$((n + 1))
        grep -qF "\"${name%_bucket}\"" hub/*.c node/*.c || { echo "no $name"; missing=1; }
    done < <(grep -oE 'relais_(hub|node)_[a-z_]+' deploy/monitoring/*.yml | cut -d: -f2 | sort -u)
    [ "$n" -gt 8 ] && [ "$missing" -eq 0 ]
}
check 'every figure of the alert rules is one of the programs' names_exist
limits_are_told() {
    local name missing=0 n=0
    while read -r name; do
        n=$((n + 1))
        grep -qF "\`$name\`" deploy/OPERATIONS.md || { echo "no $name"; missing=1; }
    done < <(sed -n '/limits\[LIMITS\] = {/,/^};/s/^ *{"\([a-z_]*\)".*/\1/p' hub/watch.c node/gauges.c | sort -u)
    [ "$n" -gt 9 ] && [ "$missing" -eq 0 ]
}
check 'OPERATIONS says what to do at every limit' limits_are_told

# --- what it is made of ---------------------------------------------------------------------------
deploy/sbom.sh "$BUILD" 0 >"$top/sbom.json"
flat() { LC_ALL=C awk -f deploy/demo/json.awk "$top/sbom.json" >"$top/flat"; }
check 'the SBOM is JSON' flat
check 'of CycloneDX' grep -q 'CycloneDX' "$top/flat"
in_sbom() {
    local lib missing=0
    for lib in libsodium23 libzmq5 liblmdb0 libmsgpack-dev libjansson4 libinih1 libutf8proc2 libmicrohttpd12 uthash-dev; do
        grep -qF "\"name\": \"$lib\"" "$top/sbom.json" || { echo "no $lib"; missing=1; }
    done
    ! grep -E '"version": ""' "$top/sbom.json" && [ "$missing" -eq 0 ]
}
check 'it names every library, with a version' in_sbom
check 'and no component twice' test -z "$(grep -o '"bom-ref": "[^"]*"' "$top/sbom.json" | sort | uniq -d)"
exit "$failed"
