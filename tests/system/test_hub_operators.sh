#!/usr/bin/env bash
# Named operators at a real hub: two persons, two key files, one act.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/operators-XXXXXX")
hub_pid=''
# shellcheck disable=SC2317 # the trap calls it
finish() {
    [ -z "$hub_pid" ] || { kill "$hub_pid" && wait "$hub_pid"; } 2>/dev/null
    rm -rf "$top"
}
trap finish EXIT
BUILD=$(cd "$BUILD" && pwd)
cd "$top" || exit 1
failed=0

hub() { "$BUILD/relais-hub" --dir "${dir:-hub}" --passphrase-file phrase "$@"; }
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
serve() { # DIR: until it is ready
    local line
    rm -f lines
    mkfifo lines
    "$BUILD/relais-hub" --dir "$1" --passphrase-file phrase --allow-core serve 2>lines &
    hub_pid=$!
    exec 3<lines
    while read -r line <&3 && [[ $line != *hub.ready* ]]; do :; done
    cat <&3 >log &
}
end() { kill "$hub_pid" && wait "$hub_pid"; hub_pid=''; }
names_in_log() { grep -m1 operator.sign log && ! grep -E 'Alice|Bruno|Claire' log; }
waiting() { hub --json operator list | sed -n 's/.*"id": "\([0-9a-f]*\)".*/\1/p' | head -n 1; }

(umask 077 && echo 'une phrase de passe longue' >phrase)
registrar=$("$BUILD/relais-hub" --dir registrar --passphrase-file phrase --light registrar init)
hub --light --name exercise.test --registrar "$registrar" --mode exercise init >/dev/null
dir=real hub --light --name real.test --registrar "$registrar" init >/dev/null
for d in hub real; do
    printf 'listen = tcp://127.0.0.1:*\njoin_listen = tcp://127.0.0.1:*\n' >"$d/hub.conf"
done
for person in alice bruno claire; do
    hub --light operator key --output "$person.key" >"$person.pub"
done
key() { cat "$1.pub"; }

echo 'operators_required = 1' >>real/hub.conf
says 'one is not enough for a real federation' 1 'ERR_OPERATORS_FEW' \
    "$BUILD/relais-hub" --dir real --passphrase-file phrase serve
sed -i '$d' real/hub.conf

dir=real
serve real
says 'a real hub says that persons are missing' 0 'il en faut 2' hub status
says 'and revokes nothing before' 1 'ERR_OPERATORS_FEW' hub org revoke X --output r
says 'the first one is named' 0 '« Alice » est opérateur' hub operator add Alice --key "$(key alice)"
says 'one alone decides nothing' 1 'ERR_OPERATORS_FEW' hub operator remove Alice --as alice.key
says 'and the second' 0 '« Bruno » est opérateur' hub operator add Bruno --key "$(key bruno)"
says 'a name is taken once' 1 'ERR_OPERATOR' hub operator add Bruno --key "$(key claire)"
says 'from then on nobody alone names another' 1 'ERR_OPERATOR' \
    hub operator add Claire --key "$(key claire)"
says 'nor revokes' 1 'ERR_OPERATOR)' hub org revoke X --output r
says 'a stranger signs nothing' 1 'ERR_KEY_UNKNOWN' \
    hub operator add Claire --key "$(key claire)" --as claire.key
says 'who signs sees what' 0 'Vous signez : {"args":{"key":' \
    hub operator add Claire --key "$(key claire)" --as alice.key
says 'and waits' 0 'En attente d' hub status
says 'with her name' 0 'signé par « Alice »' hub status
says 'she does not confirm herself' 1 'ERR_OPERATOR_SAME' \
    hub operator confirm "$(waiting)" --as alice.key
says 'nor does a stranger' 1 'ERR_KEY_UNKNOWN' hub operator confirm "$(waiting)" --as claire.key
act=$(waiting)
end
serve real
says 'it waits through a restart' 0 'signé par « Alice »' hub status
says 'the second confirms' 0 '« Claire » est opérateur' \
    hub operator confirm "${act:0:8}" --as bruno.key
says 'once' 1 'ERR_NOT_FOUND' hub operator confirm "$act" --as claire.key
says 'three are named' 0 'Opérateurs : 3 nommés, 2 doivent' hub status
says 'both stages are in the log' 0 'accord des opérateurs  ERR_WAITING' hub log --last 5
says 'one may sign to remove another' 0 'en attente' hub operator remove Alice --as claire.key
says 'who may not confirm' 0 "n'est plus opérateur" \
    hub operator confirm "$(waiting)" --as bruno.key
says 'and signs no more' 1 'ERR_KEY_UNKNOWN' hub operator remove Bruno --as alice.key
says 'a command that needs no signature takes none' 1 'ERR_STATE' hub org suspend X --as bruno.key
end

mkdir -m 700 backups
says 'a backup' 0 '' hub backup backups/one
mkdir -m 700 back.restore back.restore/store
says 'what an interrupted restore left' 1 'restauration interrompue' hub restore backups/one --to back
rm -r back.restore
says 'is put back' 0 '' hub restore backups/one --to back
printf 'listen = tcp://127.0.0.1:*\njoin_listen = tcp://127.0.0.1:*\nrestore_wait = 1s\n' >back/hub.conf
dir=back
serve back
while kill -0 "$hub_pid" && ! grep -qE 'recovery.(held|done)' log; do :; done
says 'a restored hub waits for its operators' 0 "attend l'accord des opérateurs" hub status
says 'nobody alone lets it serve' 1 'ERR_OPERATOR)' hub operator accept-restore
says 'and nothing else is decided' 1 'ERR_RECOVERING' hub operator remove Bruno --as claire.key
says 'the first agrees' 0 'en attente' hub operator accept-restore --as bruno.key
says 'not twice' 1 'ERR_OPERATOR_SAME' hub operator confirm "$(waiting)" --as bruno.key
says 'the second too' 0 'Restauration acceptée' hub operator confirm "$(waiting)" --as claire.key
while kill -0 "$hub_pid" && ! hub log --last 1 >out 2>&1; do :; done
says 'then it serves' 0 'accord des opérateurs' hub log --last 3
end
dir=real
says 'no name stands in the log of the daemon' 0 'operator.sign' names_in_log

dir=hub
serve hub
says 'an exercise begins without anybody' 0 "aucun n'est nommé (exercice)" hub status
says 'and nothing is guarded yet' 1 'ERR_NOT_FOUND' hub org revoke X --output r
says 'until somebody is named' 0 'est opérateur' hub operator add Alice --key "$(key alice)"
says 'then it is' 1 'ERR_OPERATORS_FEW' hub org revoke X --output r
end
echo 'operators_required = 1' >>hub/hub.conf
serve hub
says 'the keys of the hub are listed' 0 'audit-log' hub key list
says 'a key that nobody made is not rotated' 1 'ERR_OPERATOR)' hub key rotate hub --output r
says 'a running hub keeps its key file to itself' 1 'sert déjà' hub key new hub
end
says 'a new one is made while it rests' 0 'Nouvelle clé (hub)' hub key new hub
serve hub
says 'it waits for its hour' 0 'préparée' hub key list
says 'where one is enough, one is needed' 1 'ERR_OPERATOR)' hub org revoke X --output r
says 'and decides at once' 0 '« Bruno » est opérateur' \
    hub operator add Bruno --key "$(key bruno)" --as alice.key
exit "$failed"
