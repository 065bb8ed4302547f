#!/usr/bin/env bash
# A sheet that must be quarantined, between two good ones, through a real hub and real nodes: it
# blocks nothing, order is kept, and nothing is lost or doubled while the hub is killed at each
# delivery, and the recipient's node before and after each of its commits.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
faulty() { # NAME POINT COMMAND...
    local name=$1 point=$2
    shift 2
    start "$name" env LD_PRELOAD="$BUILD/preload_faults.so" RELAIS_FAULT="$point" \
        RELAIS_FAULT_LOG="$top/faults" "$@"
}
hub_command=("$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --allow-core serve)
was_killed() { # NAME
    local status=0
    wait "${pid[$1]}" 2>/dev/null || status=$?
    unset "pid[$1]"
    expect "fin de $1 (137 : SIGKILL)" "$status" 137
}
send() {
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}@mixte" --note OBS \
        --subject "$1" --text "médical=$1." --basis échange --purpose continuité --wait 10
    mid=$(value mid)
    until_true 'le hub a accepté la fiche' sheet_state hopital medecin "$mid" state 3
}
rogue() { # EXIT-STATUS ERR: with the hospital's keys, a medical text labelled social
    answer_of "$1" "$BUILD/rogue_sender" --invitation actes/hopital.invitation --key hopital/node.key \
        --passphrase-file secret/hopital --circle "$circle" --classes 3 --content 8 \
        --to "${org[ehpad]}" --basis 1 --notice "$notice" --category 3
    expect 'mot du hub' "$(cat answer)" "$2"
}
stopped() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = stopped ]; }
all_came() { # of whatever state
    node_ ehpad --as secret/infirmier.as sheet list --box in >answer 2>words && flatten &&
        [ "$(count_sheets 1)" -eq 3 ]
}

quietly tell_hub
quietly tell_founders
house ehpad
for who in hopital ehpad; do until_true "l'annuaire de $who est complet" knows "$who" 3; done
quietly tell_persons
quietly tell_circle
as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
as hopital medecin circle show "$circle"
notice=$(pick acts kind notice n)
node hopital status
hospital_node=$(value node)
stop ehpad

send 'La première'
first=$mid
stop hopital
rogue 3 ERR_CLONED
hub org release "$hospital_node"
rogue 0 ERR_OK
start hopital "$BUILD/relais-node" --dir hopital --passphrase-file secret/hopital serve
until_true 'l'\''hôpital apprend l'\''alarme' stopped hopital
hub org release "$hospital_node"
stop hopital
node_start hopital
send 'La dernière'
last=$mid
stop hopital
echo 'ok a good one, one under a false label, a good one'

# the hub, with the first of what it delivers, with the second, with what is left; then the node,
# around the commits of its start
kills=0
stop hub
for n in 1 2 1; do
    faulty hub "during-delivery:$n" "${hub_command[@]}"
    start ehpad "$BUILD/relais-node" --dir ehpad --passphrase-file secret/ehpad serve
    until_true "le hub est tué (remise $n)" gone hub
    was_killed hub
    stop ehpad
    answer_of 0 hub_ fsck
    kills=$((kills + 1))
done
hub_start
for point in before-commit:2 after-commit:2 before-commit:3 after-commit:3; do
    faulty ehpad "$point" "$BUILD/relais-node" --dir ehpad --passphrase-file secret/ehpad serve
    until_true "l'EHPAD est tué ($point)" gone ehpad
    was_killed ehpad
    answer_of 0 node_ ehpad fsck
    kills=$((kills + 1))
done
expect 'coups portés' "$(lines_of faults)" "$kills"
stop hub
hub_start
node_start ehpad
until_true 'les trois sont arrivées' all_came
echo "ok hub and node were killed $kills times on the way"

as ehpad infirmier sheet list --box in
mapfile -t mids < <(awk -F '\t' '$1 ~ /^sheets[.][0-9]+[.]mid$/ { print $2 }' flat)
states() { awk -F '\t' '$1 ~ /^sheets[.][0-9]+[.]state$/ { printf "%s ", $2 }' flat; }
expect 'fiches, sans doublon' "${#mids[@]}" "$(printf '%s\n' "${mids[@]}" | sort -u | wc -l)"
sheets=() # without the invitation
for m in "${mids[@]}"; do
    [ "$(pick sheets mid "$m" type)" != 1 ] || sheets+=("$m")
done
expect 'ordre, la première' "${sheets[0]}" "$first"
expect 'ordre, la dernière' "${sheets[2]}" "$last"
poison=${sheets[1]}
expect 'la première est reçue' "$(pick sheets mid "$first" state)" 1
expect 'la dernière est reçue' "$(pick sheets mid "$last" state)" 1
expect 'celle du milieu est en quarantaine' "$(pick sheets mid "$poison" state)" 3
as_refused ERR_QUARANTINED ehpad infirmier sheet show "$poison"
as ehpad infirmier sheet show "$first"
expect 'le texte de la première' "$(value document.sections.0.text)" 'La première.'
as ehpad infirmier sheet show "$last"
expect 'le texte de la dernière' "$(value document.sections.0.text)" 'La dernière.'
echo 'ok the one between is set aside, those around it are read, in order'

node_start hopital
for m in "$first" "$last"; do
    until_true 'l'\''expéditeur sait la fiche remise' sheet_state hopital medecin "$m" delivered 1
    until_true 'et ouverte' sheet_state hopital medecin "$m" read 1
done
hub log --last 1000
leaves() { awk -F '\t' -v t="$1" '$1 ~ /^entries[.][0-9]+[.]type$/ && $2 == t' flat | wc -l; }
expect 'feuilles « étiquette fausse »' "$(leaves 7)" 1
expect 'feuilles « ouvert »' "$(leaves 3)" 2
echo 'ok every sender is told, once'
