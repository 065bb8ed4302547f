#!/usr/bin/env bash
# Each key of a hub changed in its lifetime, with two operators and the registrar: nobody enrols
# again, what was proven stays proven, and the former key proves nothing new (OPERATIONS.md 9).
set -euo pipefail
. "$(dirname "$0")/keys.bash"

verify() { "$BUILD/relais-verify" receipt "$1" --policy "$2" >verdict 2>&1; }
receipt_of() { # MID FILE: of its acceptance
    rm -rf recus-un
    as hopital medecin sheet receipts "$1" --output recus-un
    cp "$(find recus-un -name '*.tlog-proof' | sort | head -n 1)" "$2" || fail 'pas de reçu' "$(cat answer)"
}
policy() { "$BUILD/relais-node" --dir hopital --passphrase-file secret/hopital policy --output "$1" >words; }
head_note() { # FILE: the newest head of the audit log, as this hub signs it
    hub_ log --last 1 >answer
    flatten
    printf '%b' "$(value checkpoint)" >"$1"
}

world
exchange 'avant tout'
receipt_of "$mid" avant.tlog-proof
quietly policy avant.txt
verify avant.tlog-proof avant.txt || fail 'le reçu de départ ne se vérifie pas' "$(cat verdict)"
cp -a hub vol # what a thief has taken, and shall be worth nothing

# --- keys log
key_change keys-log
expect 'acte complet' "$(value complete)" true
must_be keys-log 'en vigueur'
size=$(keys_size)
for who in hopital ehpad; do until_true "$who suit le journal des clés" node_knows "$who" "$size"; done
exchange 'après la clé du journal des clés'
ok 'keys-log : les nœuds suivent, sans être relancés'

# --- audit log: one house is away meanwhile
stop ehpad
hub status
epoch=$(value epoch)
key_change audit-log
expect 'acte complet' "$(value complete)" true
hub status
expect 'nouveau journal' "$(value epoch)" $((epoch + 1))
until_true 'hôpital relié' linked hopital
as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
    --subject 'En son absence' --text 'médical=Texte.' --basis échange --purpose continuité
absent=$(value mid)
until_true 'acceptée' sheet_state hopital medecin "$absent" state 3
node_up ehpad
until_true 'remise à qui était absent' sheet_state hopital medecin "$absent" delivered 1
count=$((count + 1))
exchange 'après la clé du journal d'\''audit'
receipt_of "$mid" apres.tlog-proof
quietly policy apres.txt
grep -q '^former .*/keys+' apres.txt || fail 'la politique ne borne pas l'\''ancienne clé' "$(cat apres.txt)"
verify avant.tlog-proof apres.txt || fail 'le reçu d'\''avant' "$(cat verdict)"
verify apres.tlog-proof apres.txt || fail 'le reçu d'\''après' "$(cat verdict)"
! verify apres.tlog-proof avant.txt || fail 'la politique d'\''avant croit une clé qu'\''elle ne connaît pas'
"$BUILD/relais-hub" --dir hub trust >hub.txt
verify avant.tlog-proof hub.txt && verify apres.tlog-proof hub.txt || fail 'la politique du hub' "$(cat verdict)"
ok 'audit-log : reçus d'\''avant et d'\''après vérifiés hors ligne, absent rattrapé'

# --- the thief of the former keys writes on, and nobody believes him
mv hub vrai
mv vol hub
stop hub
sed -i 's/^listen.*/listen = tcp:\/\/127.0.0.1:*/; s/^join_listen.*/join_listen = tcp:\/\/127.0.0.1:*/' hub/hub.conf
hub_start
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    hub org suspend "${org[dac]}" && hub org resume "${org[dac]}"
done
head_note faux.note
[ "$(sed -n 2p faux.note)" -gt 20 ] || fail 'le voleur n'\''a rien écrit' "$(cat faux.note)"
stop hub
mv hub vol
mv vrai hub
hub_start
if "$BUILD/relais-verify" histories faux.note faux.note --policy avant.txt >verdict; then
    fail 'deux fois la même tête' "$(cat verdict)"
fi
grep -q 'disent la même chose' verdict || fail 'la politique d'\''avant reconnaît cette clé' "$(cat verdict)"
status=0
"$BUILD/relais-verify" histories faux.note faux.note --policy apres.txt >verdict || status=$?
expect 'tête d'\''une clé remplacée' "$status" 1
grep -q 'remplacée avant' verdict || fail 'relais-verify ne dit pas pourquoi' "$(cat verdict)"
ok 'clé volée : une tête signée après le changement est refusée'

# --- transport, with an overlap: who is there changes over, who is away takes the file
until_true 'tous reliés' linked hopital
until_true 'tous reliés' linked ehpad
until_true 'tous reliés' linked dac
stop dac
key_change transport --overlap 14s
expect 'acte complet' "$(value complete)" true
must_be transport 'publiée, en vigueur le'
size=$(keys_size)
for who in hopital ehpad; do until_true "$who lit qu'une clé vient" node_knows "$who" "$size"; done
exchange 'pendant le recouvrement'
until_true 'le hub change de clé' logged hub.log 1 door.key
until_true 'hôpital relié' linked hopital
until_true 'ehpad relié' linked ehpad
must_be transport 'en vigueur'
exchange 'après la clé de transport'
grep -q 'key=other' hopital.log || fail 'le nœud n'\''a pas changé de clé'
node_up dac
until_true 'le DAC tourne' answers node_ dac status
hub key export --output journal.cles
! linked dac || fail 'un nœud se relie sous une clé qui ne vaut plus'
node dac hub keys journal.cles
until_true 'le DAC relié par le fichier' linked dac
ok 'transport : les présents passent seuls, l'\''absent par le fichier'

# --- the signing key, by the same words
key_change hub
expect 'acte complet' "$(value complete)" true
hub org suspend "${org[dac]}"
hub org resume "${org[dac]}"
exchange 'après la clé de signature'
stop hub
answer_of 0 hub_ fsck
hub_start
until_true 'relié' linked hopital
until_true 'relié' linked ehpad
exchange 'après un redémarrage'
ok 'hub : la clé de signature, et un magasin intact'
