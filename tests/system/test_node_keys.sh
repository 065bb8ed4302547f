#!/usr/bin/env bash
# A node's keys changed while messages travel, by the node itself: nothing is lost, the former keys
# count for nothing, and a node killed at any step goes on with the keys that the log names.
set -euo pipefail
. "$(dirname "$0")/keys.bash"

rekeyed() { node_ "$1" status >answer 2>words && flatten && [ "$(value rekey.changes)" -ge "$2" ] && [ "$(value rekey.phase)" = none ]; }
send() { # WHAT: mid in $mid
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
        --subject "$1" --text 'médical=Texte.' --basis échange --purpose continuité
    mid=$(value mid)
}

world
exchange 'avant tout'
cp -a ehpad vole # a thief's copy, of the keys above all
cp -a hopital vole-hopital

# --- both ends, one after the other, with sheets on their way
mids=()
for who in hopital ehpad; do
    for i in 1 2 3; do send "Pendant ($who, $i)" && mids+=("$mid"); done
    node $who key rotate
    for i in 4 5 6; do send "Pendant ($who, $i)" && mids+=("$mid"); done
    until_true "$who a d'autres clés" rekeyed $who 1
    until_true "$who relié" linked $who
done
for mid in "${mids[@]}"; do
    until_true 'remise à travers le changement' sheet_state hopital medecin "$mid" delivered 1
    count=$((count + 1))
done
as ehpad infirmier inbox
expect 'fiches reçues' "$(sheets)" "$count"
exchange 'après les deux changements'
ok 'deux nœuds changent de clés pendant le trafic : rien de perdu, rien en double'
