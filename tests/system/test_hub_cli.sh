#!/usr/bin/env bash
# The operator's command line at a real hub, and relais-verify: sentences and exit statuses.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/hub-cli-XXXXXX")
hub_pid=''
# shellcheck disable=SC2317 # the trap calls it
finish() {
    [ -z "$hub_pid" ] || { kill "$hub_pid" && wait "$hub_pid"; } 2>/dev/null
    rm -rf "$top"
}
trap finish EXIT
BUILD=$(cd "$BUILD" && pwd)
include=$(cd "$(dirname "$0")/../../include" && pwd)
cd "$top" || exit 1
failed=0

hub() { "$BUILD/relais-hub" --dir hub --passphrase-file phrase "$@"; }
# One named test: its exit status, and a text that must stand in what it says.
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
same() { [ "$1" = "$2" ]; }
lacks() { ! grep -q "$1" "$2"; }

(umask 077 && echo 'une phrase de passe longue' >phrase && echo 'une autre' >wrong)
registrar=$("$BUILD/relais-hub" --dir registrar --passphrase-file phrase --light registrar init)
says 'a hub is made' 0 'Hub créé' hub --light --name cli.test --registrar "$registrar" \
    --mode exercise init
hub_of() { "$BUILD/relais-hub" --dir other --passphrase-file phrase --light --name other \
    --registrar "$registrar" "$@"; }
says 'a mode that does not exist makes no real hub' 2 '--mode attend' hub_of --mode exercice init
says 'a delay that is no number is not zero' 2 '--emergency-delay' \
    hub_of --mode exercise --emergency-delay 1j init
version=$(sed -n 's/^#define RELAIS_VERSION "\(.*\)"/\1/p' "$include/version.h")
says 'a hub says its version' 0 "relais-hub $version, protocole 1" hub --version
says 'in JSON too' 0 "{\"version\": \"$version\", \"protocol\": 1}" hub --json --version
says 'a node says its version' 0 "relais-node $version, protocole 1" "$BUILD/relais-node" --version
says 'so does the auditor' 0 "relais-verify $version, protocole 1" "$BUILD/relais-verify" --version
says 'a misspelt option is refused' 2 'option inconnue' hub_of --emergency-dely 0 init
holds 'and nothing was made' test ! -e other
says 'what is no backup is named' 1 'secours ne contient pas' hub restore secours --to new
printf 'listen = tcp://127.0.0.1:*\njoin_listen = tcp://127.0.0.1:*\n' >hub/hub.conf
says 'no daemon: a sentence' 3 "aucun service n'écoute" hub status
says 'no daemon: JSON' 3 '"text": "aucun service' hub --json status
says 'a wrong usage in JSON' 2 '{"error": "ERR_USAGE"' hub --json nonsense
says 'an option without its value in JSON' 2 '{"error": "ERR_USAGE"' hub --json log --last
says 'settings are explained in French' 0 "taille de l'entrepôt" hub --help
says 'check in JSON' 0 '{"federation":"cli.test"}' hub --json check
chmod 644 phrase
says 'open permissions name the file' 1 'phrase : droits refusés ou trop ouverts' hub check
chmod 600 phrase
says 'a wrong passphrase at serve' 1 'phrase de passe fausse' \
    "$BUILD/relais-hub" --dir hub --passphrase-file wrong serve
echo 'nonsense = 1' >>hub/hub.conf
says 'a wrong setting names file and line' 4 'ligne 3 de hub/hub.conf' hub check
sed -i '$d' hub/hub.conf

mkfifo lines
"$BUILD/relais-hub" --dir hub --passphrase-file phrase --allow-core serve 2>lines &
hub_pid=$!
exec 3<lines
while read -r line <&3 && [[ $line != *hub.ready* ]]; do :; done
cat <&3 >log &

says 'a second daemon' 1 'un autre processus sert déjà' hub serve
says 'log --last is a number' 2 'attendent un nombre' hub log --last abc
says 'nothing waits for a signature' 0 "Aucun acte n'attend" hub requests
says 'an invitation' 0 'Invitation préparée' hub invite --name Un --kind dac --output x.inv
before=$(cksum <x.inv)
says 'an invitation is never replaced' 1 "x.inv existe déjà ; rien n'a été préparé" \
    hub invite --name Deux --kind dac --output x.inv
holds 'its key is still there' same "$before" "$(cksum <x.inv)"
says 'and nothing was prepared' 0 'Un' hub org list
holds 'for Deux' lacks Deux out
says 'a name that exists is said' 0 "est déjà le nom d'une autre" \
    hub invite --name Un --kind dac --output y.inv
says 'invite in JSON gives the path' 0 '"path": "z.inv"' \
    hub --json invite --name Trois --kind dac --output z.inv
holds 'and not the key' lacks 'RELAIS' out
says 'the list shows the organisation' 0 'organisation ' hub org list
says 'an unknown organisation' 1 'aucune organisation ne correspond à « zz » (« org list »)' \
    hub org suspend zz
says 'an unknown organisation in JSON' 1 '"text": "aucune organisation' hub --json org release zz
says 'trust in JSON gives the policy' 0 '"policy": "log ' hub --json trust
hub trust >policy

verify() { "$BUILD/relais-verify" receipt "$1" --policy "$2"; }
says 'no policy' 4 "La politique « F » n'existe pas : rien n'a été vérifié." verify x.inv F
says 'no receipt' 3 'Reçu illisible' verify F policy
says 'not a receipt' 1 "PAS PROUVÉ : le fichier n'est pas un reçu bien formé." verify x.inv policy
(echo nonsense && cat policy) >bad
says 'a wrong policy names the line' 4 'ligne 1 : ' verify x.inv bad
exit "$failed"
