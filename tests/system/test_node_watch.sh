#!/usr/bin/env bash
# A node seen from outside: figures that name nobody, health, and what a service manager hears.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/node-watch-XXXXXX")
node_pid='' manager_pid=''
# shellcheck disable=SC2317 # the trap calls it
finish() {
    [ -z "$node_pid" ] || { kill "$node_pid" && wait "$node_pid"; } 2>/dev/null
    [ -z "$manager_pid" ] || { kill "$manager_pid" && wait "$manager_pid"; } 2>/dev/null
    rm -rf "$top"
}
trap finish EXIT
BUILD=$(cd "$BUILD" && pwd)
cd "$top" || exit 1
failed=0
check() { # NAME COMMAND...; what it said stays in `out`
    local name=$1
    shift
    if "$@" >now 2>&1; then echo "ok $name"; else
        echo "not ok $name"
        sed 's/^/    /' now
        failed=1
    fi
    mv now out
}
node() {
    "$BUILD/relais-node" --dir n --passphrase-file phrase --as-name 'Zélie Quatremère' \
        --as-profession infirmière --as-category 1 "$@"
}

# a service manager: one line for each datagram
perl -MIO::Socket::UNIX -e '$| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM,
    Local => $ARGV[0]) or die; print "listening\n"; while (defined $s->recv(my $m, 256)) {
    print "$m\n"; }' /tmp/relais-node-notify-$$ >heard &
manager_pid=$!
until grep -q listening heard 2>/dev/null; do :; done

(umask 077 && echo 'une phrase secrète longue' >phrase)
"$BUILD/relais-node" --dir n --passphrase-file phrase --light init >/dev/null || exit 1
echo 'metrics_listen = 127.0.0.1:*' >>n/node.conf
mkfifo lines
LD_PRELOAD="$BUILD/preload_disk.so" RELAIS_DISK_FILE="$top/free" NOTIFY_SOCKET=/tmp/relais-node-notify-$$ WATCHDOG_USEC=4000000 \
    "$BUILD/relais-node" --dir n --passphrase-file phrase --allow-core serve 2>lines &
node_pid=$!
exec 3<lines
port=''
while read -r line <&3; do
    [[ $line != *metrics.ready* ]] || port=${line##*:}
    [[ $line != *node.ready* ]] || break
done
cat <&3 >log &

check 'a person is entered' node person add --birth-name Quatremère --first-names Hippolyte \
    --local dossier-7
check 'figures are well formed and name nobody' "$BUILD/prog_figures" "$port" Quatremère Hippolyte \
    'Zélie Quatremère' dossier-7
check 'a node without a hub is ready' grep -q '^200 .*"ready":true' out
check 'status tells its limits' node --json status
check 'the clock among them' grep -q '"limit": "clock"' out
echo 67000000 >free # a little under 64 MiB
status_of() { "$BUILD/prog_figures" "$port" none | head -c 3; }
check 'a disk with less than 64 MiB free is not ready' test "$(status_of)" = 503
check 'and the word for it' grep -q disk_full <("$BUILD/prog_figures" "$port" none)
rm free
check 'until there is room' test "$(status_of)" = 200
until grep -q WATCHDOG=1 heard; do kill -0 "$node_pid" || break; done
kill "$node_pid" && wait "$node_pid"
check 'it ends well' test $? -eq 0
node_pid=''
check 'ready came first' test "$(sed -n 2p heard)" = READY=1
check 'then beats' grep -q '^WATCHDOG=1$' heard
check 'and stopping last' test "$(tail -n 1 heard)" = STOPPING=1

echo 'metrics_listen = 0.0.0.0:7414' >n/node.conf
check 'an address that others reach is refused' test \
    "$("$BUILD/relais-node" --dir n --passphrase-file phrase serve 2>&1 | grep -c ERR_CONF)" = 1
rm -f /tmp/relais-node-notify-$$
exit "$failed"
