#!/usr/bin/env bash
# A node's keys in printed parts, and back: real programs, files, and what a person types.
set -u
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/node-key-XXXXXX")
trap 'rm -rf "$top"' EXIT
BUILD=$(cd "$BUILD" && pwd)
cd "$top" || exit 1
failed=0

node() { "$BUILD/relais-node" --dir node --passphrase-file "${phrase:-phrase}" --light "$@"; }
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
# The service at work; it has to be ended before the next command that opens the keys.
served() { # COMMAND...: asked of a running daemon
    local pid line status=0
    rm -f lines
    mkfifo lines
    "$BUILD/relais-node" --dir node --passphrase-file "${phrase:-phrase}" serve 2>lines &
    pid=$!
    exec 3<lines
    while read -r line <&3 && [[ $line != *node.ready* ]]; do :; done
    node "$@" || status=$?
    cat <&3 >log &
    kill "$pid" && wait "$pid"
    return "$status"
}
lines() { grep -hE '^ *[1-8]: ' "$@"; }
typed() { # FILE...: the lines of these parts on the standard input
    lines "$@" | tr '[:upper:]' '[:lower:]' | sed 's/^ *[1-8]: //; s/ /-/g' |
        node key recover --output node/node.key
}

(umask 077 && echo 'une phrase de passe longue' >phrase && echo 'une phrase toute nouvelle' >new)
says 'a node is made' 0 'Nœud créé' node init
says 'a file is written' 0 'ESSAI' served --as-name Test --as-profession Test --as-category social \
    person add --birth-name ESSAI --local essai-1
says 'nothing below two parts' 4 'au moins 2 parts' node key shares --threshold 1 --of 3 --output p
says 'nor above their number' 4 'au moins 2 parts' node key shares --threshold 4 --of 3 --output p
says 'nor a number that is none' 2 'un nombre' node key shares --threshold x --of 3 --output p
says 'five parts are written' 0 'il en faut 3' node key shares --threshold 3 --of 5 --output parts
says 'in a directory of their own' 0 'drwx------' ls -ld parts
says 'closed to others' 0 '-rw-------' ls -l parts/part-5-sur-5.txt
says 'saying what they are' 0 'Part n° 2 sur 5.  Il en faut 3' cat parts/part-2-sur-5.txt
says 'and never replaced' 1 'déjà' node key shares --threshold 3 --of 5 --output parts
says 'another set' 0 'il en faut 2' node key shares --threshold 2 --of 2 --output others
says 'keys that are there stay' 1 "n'a pas été remplacé" \
    node key recover --output node/node.key --share parts/part-1-sur-5.txt

mkdir -m 700 other
mv node/node.key kept
part() { printf -- '--share parts/part-%d-sur-5.txt ' "$@"; }
recover() { # shellcheck disable=SC2046 # words
    node key recover --output node/node.key $(part "$@")
}
says 'two of three are not enough' 4 'il manque des parts' recover 1 2
says 'the same one twice' 4 'deux fois' recover 1 2 1
says 'two sets do not mix' 4 'pas du même jeu' node key recover --output node/node.key \
    --share parts/part-1-sur-5.txt --share others/part-1-sur-2.txt
says 'a part that is not there is named' 4 "« parts/part-9-sur-5.txt » n'existe pas" recover 9
says 'what is no part is named' 4 '« parts » ne se lit pas' \
    node key recover --output node/node.key --share parts
sed 's/^    3: ./    3: 9/' parts/part-3-sur-5.txt >slip
says 'a slip names its line' 4 'la ligne 3 est mal recopiée' \
    node key recover --output node/node.key --share slip
sed '/^    6: /d' parts/part-3-sur-5.txt >short
says 'a missing line is named' 4 'la ligne 6 manque' \
    node key recover --output node/node.key --share short
cat parts/part-1-sur-5.txt parts/part-2-sur-5.txt >both
says 'one part a file' 4 'une seule part par fichier' \
    node key recover --output node/node.key --share both
says 'no key file came of it' 2 'No such file' ls node/node.key

phrase=new
says 'three parts give the keys back' 0 'Clés retrouvées' recover 5 2 4
says 'which open the files' 0 'ESSAI' served --as-name T --as-profession T --as-category social \
    person show essai-1
rm node/node.key
says 'typed by hand as well' 0 'Clés retrouvées' \
    typed parts/part-1-sur-5.txt parts/part-4-sur-5.txt parts/part-3-sur-5.txt
says 'they open them too' 0 'ESSAI' served --as-name T --as-profession T --as-category social \
    person show essai-1
rm node/node.key
says 'typing that stops early' 4 'il manque des lignes ou des parts' typed parts/part-1-sur-5.txt
says 'a slip while typing' 4 'La ligne 3 de la part 1' typed slip
mv kept node/node.key
phrase=phrase
says 'the old file is what it was' 0 'en ordre' node check
mv node/node.key kept
"$BUILD/relais-node" --dir other --passphrase-file phrase --light init >/dev/null
cp other/node.key node/node.key
says 'and keys of another node open nothing' 1 '' served --as-name T --as-profession T \
    --as-category social person show essai-1
exit "$failed"
