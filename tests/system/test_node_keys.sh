#!/usr/bin/env bash
# A node's keys, changed by the node itself while messages travel, and lost: nothing is lost with
# them, the former ones count for nothing, and a node killed at any step goes on with the keys that
# the log names. Who takes an organisation's place needs two operators, the registrar and two houses.
set -euo pipefail
. "$(dirname "$0")/keys.bash"

name[mdph]='MDPH 62' kind[mdph]=mdph
name[clinique]='Clinique des Dunes' kind[clinique]=hopital

rekeyed() { # ORG TIMES
    node_ "$1" status >answer 2>words && flatten && [ "$(value rekey.changes)" -ge "$2" ] &&
        [ "$(value rekey.phase)" = none ]
}
phase() { node_ "$1" status >answer 2>words && flatten && [ "$(value rekey.phase)" = "$2" ]; }
send() { # WHAT: mid in $mid
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
        --subject "$1" --text 'médical=Texte.' --basis échange --purpose continuité
    mid=$(value mid)
}
cut_down() { # NODE: as by a power cut
    kill -KILL "${pid[$1]}"
    wait "${pid[$1]}" 2>/dev/null || true
    unset "pid[$1]"
}
denied() { hub status && [ "$(value door.denied)" -gt "$1" ]; }

world
exchange 'avant tout'
stop ehpad
cp -a ehpad vole # what a thief has copied, keys and passphrase
cp secret/ehpad secret/vole
node_up ehpad

# --- both ends, one after the other, with sheets on their way
mids=()
for who in hopital ehpad; do
    for i in 1 2 3; do send "Pendant ($who, $i)" && mids+=("$mid"); done
    node $who key rotate
    for i in 4 5 6; do send "Pendant ($who, $i)" && mids+=("$mid"); done
    until_true "$who a d'autres clés" rekeyed $who 1
done
for mid in "${mids[@]}"; do
    until_true 'remise à travers le changement' sheet_state hopital medecin "$mid" delivered 1
    count=$((count + 1))
done
as ehpad infirmier inbox
expect 'fiches reçues' "$(sheets)" "$count"
exchange 'après les deux changements'
ok 'deux nœuds changent de clés pendant le trafic : rien de perdu, rien en double'

# --- killed: before the hub has heard of it, at once, and while the leaf is written without it
stop hub
node ehpad key rotate
cut_down ehpad
hub_start
node_up ehpad
until_true 'repris, le hub revenu' rekeyed ehpad 2
exchange 'tué avant l'\''envoi'
node ehpad key rotate
cut_down ehpad
node_up ehpad
until_true 'repris' rekeyed ehpad 3
exchange 'tué aussitôt'
kill -STOP "${pid[hub]}"
node ehpad key rotate
until_true 'remis à un hub qui ne répond pas' phase ehpad offered
cut_down ehpad
kill -CONT "${pid[hub]}"
until_true 'inscrit sans lui' logged hub.log 1 'node.rekeyed'
node_up ehpad
until_true 'retrouve ses clés dans l'\''annuaire' rekeyed ehpad 4
exchange 'tué après l'\''envoi'
ok 'tué à trois moments : un seul jeu de clés, celui de l'\''annuaire'

# --- the thief with the keys of before: no handshake, and the true one does not notice
hub status
before=$(value door.denied)
node_up vole
until_true 'le voleur est éconduit' denied "$before"
exchange 'pendant que le voleur essaie'
! linked vole || fail 'le voleur est entré avec les clés d'\''avant'
stop vole
stop ehpad
stop hub
answer_of 0 hub_ fsck
answer_of 0 node_ ehpad fsck
hub_start
node_up ehpad
exchange 'après un redémarrage'
ok 'clés d'\''avant : éconduites ; magasins intacts'

# --- lost: a new machine, and nothing of the old one
for who in mdph clinique; do
    invite $who
    compare $who
    registrar_signs actes/$who.demande
    enrolled $who
done
stop ehpad
mv ehpad ancien
cp secret/ehpad secret/ancien
send 'Écrite pour des clés perdues'
lost=$mid
until_true 'acceptée' sheet_state hopital medecin "$lost" state 3
former=${org[ehpad]}
rm actes/ehpad.invitation actes/ehpad.demande
invite ehpad --org "$former"
expect 'la même organisation' "${org[ehpad]}" "$former"
node ehpad join actes/ehpad.invitation
print=$(value fingerprint)
approve() { hub_ org approve "${invited[ehpad]}" --fingerprint "$print" --lost --output actes/reset "$@"; }
rm -f actes/reset
answer_of 1 approve
flatten
expect 'sans opérateur' "$(value error)" ERR_OPERATOR
answer_of 0 approve --as secret/alice.key
[ ! -e actes/reset ] || fail 'un seul opérateur a suffi'
hub operator list
act=$(value acts_waiting.0.id)
answer_of 1 hub_ operator confirm "$act" --as secret/alice.key --output actes/reset
flatten
expect 'le même opérateur deux fois' "$(value error)" ERR_OPERATOR_SAME
answer_of 0 hub_ operator confirm "$act" --as secret/bruno.key --output actes/reset
node ehpad join actes/ehpad.invitation --confirm "$print"
registrar_signs actes/reset
expect 'sans contreseing' "$(value complete)" false
node dac sign actes/reset --confirm --output actes/reset.dac # the operator's own house
answer_of 1 hub_ sign-import actes/reset.dac
flatten
expect 'contreseing de l'\''opérateur' "$(value error)" ERR_COUNTERSIGN
member_signs hopital actes/reset
expect 'un seul contreseing' "$(value complete)" false
node clinique sign actes/reset --confirm --output actes/reset.clinique
answer_of 1 hub_ sign-import actes/reset.clinique
flatten
expect 'deux hôpitaux' "$(value error)" ERR_COUNTERSIGN
node_up ancien
until_true 'les clés d'\''avant valent jusqu'\''à la feuille' linked ancien
stop ancien
member_signs mdph actes/reset
expect 'acte complet' "$(value complete)" true
enrolled ehpad
ok 'clés perdues : deux opérateurs, le registraire, deux maisons de types différents ; rien de moins'

hub status
before=$(value door.denied)
node_up ancien
until_true 'les clés d'\''avant sont éconduites' denied "$before"
! linked ancien || fail 'entré avec des clés révoquées'
stop ancien
node ehpad org list
expect 'organisation' "$(pick orgs org "${org[ehpad]}" state)" "$(pick orgs org "${org[hopital]}" state)"
ok 'les clés d'\''avant sont révoquées avec la même feuille'
