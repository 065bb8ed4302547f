#!/usr/bin/env bash
# hub.key is gone with every copy: the procedure of OPERATIONS.md 9 on a real hub, a registrar's
# files and two houses that sign, and their nodes go on without being enrolled again.
set -euo pipefail
. "$(dirname "$0")/keys.bash"

# Killed at a moment between two steps, it starts again and says where it is.
killed() {
    kill -KILL "${pid[hub]}"
    wait "${pid[hub]}" 2>/dev/null || true
    unset 'pid[hub]'
    hub_start
}
lost() { # KEY: prepared by two operators, signed by the registrar and two houses
    must_be "$1" 'préparée'
    key_rotate "$1" --lost
    killed
    must_be "$1" 'demandée'
    registrar_signs "actes/$1"
    expect 'sans contreseing' "$(value complete)" false
    member_signs hopital "actes/$1"
    expect 'un seul contreseing' "$(value complete)" false
    killed
    must_be "$1" 'demandée'
    member_signs ehpad "actes/$1"
    expect "acte complet ($1)" "$(value complete)" true
    killed
    must_be "$1" 'en vigueur'
}

world
exchange 'avant la perte'
stop hub
rm hub/hub.key
answer_of 0 "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --light key remake
answer_of 1 "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --light key remake
hub_start
"$BUILD/relais-hub" --dir hub status >words 2>&1
grep -q "n'est pas dans hub.key" words || fail 'le hub ne dit pas ce qui lui manque' "$(cat words)"
hub key list
expect 'clés absentes' "$(grep -c ABSENTE answer)" 4
ok 'le hub démarre sans ses clés, répond à ses opérateurs et dit ce qui manque'

as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
    --subject 'Écrite pendant la panne' --text 'médical=Texte.' --basis échange --purpose continuité
waiting=$(value mid)
for key in hub keys-log audit-log transport; do lost "$key"; done
ok 'quatre clés remplacées, le hub tué après chaque étape'

for who in hopital ehpad; do
    ! linked $who || fail "$who se relie sous une clé que personne ne lui a dite"
done
hub key export --output journal.cles
sed '2s/^\(.\{400\}\)./\1!/' journal.cles >abime.cles
answer_of 4 node_ hopital hub keys abime.cles || true
for who in hopital ehpad; do
    node $who hub keys journal.cles
    until_true "$who relié" linked $who
done
until_true 'ce qui attendait est remis' sheet_state hopital medecin "$waiting" delivered 1
count=$((count + 1))
exchange 'après la perte'
node hopital status
expect 'alarme' "$(value alarm)" ''
ok 'deux nœuds reprennent par le fichier, sans être inscrits de nouveau ; rien de perdu'
stop hub
answer_of 0 hub_ fsck
hub_start
until_true 'relié' linked hopital
until_true 'relié' linked ehpad
exchange 'après un redémarrage'
