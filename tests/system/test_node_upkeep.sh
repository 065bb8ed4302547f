#!/usr/bin/env bash
# A node's directory from outside: backed up while it runs, put back, checked, compacted.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/node-upkeep-XXXXXX")
node_pid=''
# shellcheck disable=SC2317 # the trap calls it
finish() {
    [ -z "$node_pid" ] || { kill "$node_pid" && wait "$node_pid"; } 2>/dev/null
    rm -rf "$top"
}
trap finish EXIT
BUILD=$(cd "$BUILD" && pwd)
cd "$top" || exit 1
failed=0

node() { # DIR WORDS...
    local dir=$1
    shift
    "$BUILD/relais-node" --dir "$dir" --passphrase-file phrase --as-name 'Zélie Quatremère' \
        --as-profession infirmière --as-category 1 "$@"
}
says() { # NAME STATUS TEXT COMMAND...
    local name=$1 wanted=$2 text=$3 status=0
    shift 3
    "$@" >out 2>err || status=$?
    if [ "$status" -eq "$wanted" ] && cat out err | grep -qF -- "$text"; then
        echo "ok $name"
    else
        echo "not ok $name: status $status, wanted $wanted and: $text"
        sed 's/^/    /' out err
        failed=1
    fi
}
holds() { # NAME COMMAND...
    local name=$1
    shift
    if "$@"; then echo "ok $name"; else
        echo "not ok $name"
        failed=1
    fi
}
lacks() { [ -s "$2/data.mdb" ] && ! grep -rqa -- "$1" "$2"; }
start() { # DIR
    [ -p lines ] || mkfifo lines
    "$BUILD/relais-node" --dir "$1" --passphrase-file phrase --allow-core serve 2>lines &
    node_pid=$!
    exec 3<lines
    while read -r line <&3 && [[ $line != *node.ready* ]]; do :; done
    cat <&3 >>log &
}
stop() {
    kill "$node_pid" && wait "$node_pid"
    node_pid=''
}
flip() { # FILE OFFSET
    perl -e 'open F, "+<", $ARGV[0] or die; seek F, $ARGV[1], 0; read F, $b, 1;
        seek F, $ARGV[1], 0; print F chr(ord($b) ^ 1)' "$1" "$2"
}
(umask 077 && echo 'une phrase secrète longue' >phrase)
"$BUILD/relais-node" --dir n --passphrase-file phrase --light init >/dev/null || exit 1
start n
says 'a person is entered' 0 '' node n person add --birth-name Quatremère --first-names Hippolyte \
    --local dossier-7
says 'a healthy store is intact, beside the daemon' 0 'Magasin intact' node n fsck
sh -c 'exit 0' & # its number belongs to nobody when it has ended
wait $!
mkdir n/fsck.$! && : >n/fsck.$!/data.mdb
says 'beside the copy of one that was killed' 0 'Magasin intact' node n fsck
holds 'which is gone' test -z "$(find n -name 'fsck.*')"
says 'a backup beside the daemon' 0 'Sauvegarde faite et relue' node n backup b
says 'a backup goes to a new directory' 1 'ERR_EXISTS' node n backup b
says 'no compaction under the daemon' 1 'ERR_LOCKED' node n compact
stop
holds 'nothing is plain in the backup' lacks 'Quatrem' b
holds 'nor Hippolyte' lacks 'Hippolyte' b
says 'a healthy store is intact' 0 'Magasin intact' node n fsck
says 'compaction' 0 'octets avant' node n compact
says 'and it is intact' 0 'Magasin intact' node n fsck

flip b/data.mdb 8200
says 'a changed byte of the store' 5 'le fichier data.mdb de la sauvegarde' node n restore b --to m
flip b/data.mdb 8200
flip b/manifest 40
says 'a changed byte of the manifest' 1 'le manifeste de la sauvegarde' node n restore b --to m
flip b/manifest 40
flip b/node.key 90
says 'a changed byte of the key file' 1 'ERR_PASSPHRASE' node n restore b --to m
flip b/node.key 90
mkdir m && : >m/x
says 'not over something' 1 "n'est pas vide" node n restore b --to m
rm m/x
mkdir -m 700 m.restore m.restore/store
says 'what an interrupted restore left' 1 'restauration interrompue' node n restore b --to m
rm -r m.restore
says 'restored' 0 'Nœud restauré' node n restore b --to m
says 'and intact' 0 'Magasin intact' node m fsck
start m
says 'the person is there' 0 'Hippolyte' node m person list
stop

dd if=/dev/null of=m/store/data.mdb bs=1 seek=20480 2>/dev/null
says 'a cut file is told, not crashed over' 5 'relais-node restore' node m fsck
exit "$failed"
