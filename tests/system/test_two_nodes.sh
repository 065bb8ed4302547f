#!/usr/bin/env bash
# One organisation with two nodes, through a real hub: each gets what is sealed for it, once, and
# an answer goes to the one that wrote; each is bound by what the other says in a circle; they share
# one quota; one of them is stopped and revoked, and the other goes on.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
name[nuit]=${name[ehpad]} kind[nuit]=${kind[ehpad]}

# FROM PROFESSIONAL PERSON TO SUBJECT [MORE...]
sends() {
    local from=$1 whom=$2 person=$3 to=$4 subject=$5
    shift 5
    as "$from" "$whom" sheet send --person "$person" --to "${org[$to]}@mixte" --note OBS \
        --subject "$subject" --text "médical=$subject." --basis échange --wait 10 "$@"
    mid=$(value mid)
}
send() { # SUBJECT [MORE...]: from the hospital to the EHPAD, and the hub has it
    sends hopital medecin "$person_hopital" ehpad "$@"
    until_true 'le hub a accepté la fiche' sheet_state hopital medecin "$mid" state 3
}
has() { as "$1" infirmier sheet list --box in && [ -n "$(index_of sheets mid "$2")" ]; }
has_sheets() { as "$1" infirmier sheet list --box in && [ "$(count_sheets 1)" -eq "$2" ]; }
accepted() { sheet_state "$1" infirmier "$2" state 3; }
has_keys() { node "$1" status && [ "$(value keys_size)" -ge "$2" ]; }
everybody_knows() { # the newest leaf of the keys log
    local size who
    hub status
    size=$(value keys_size)
    for who in "$@"; do until_true "$who connaît l'annuaire" has_keys "$who" "$size"; done
}
acts() { as "$1" infirmier circle show "$circle" && [ "$(count_of acts)" -eq "$2" ]; }
told() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.why)" = "$2" ]; }

quietly tell_hub
cp secret/ehpad secret/nuit
quietly tell_founders
house ehpad
for who in hopital ehpad; do until_true "l'annuaire de $who est complet" knows "$who" 3; done
quietly tell_persons
quietly tell_circle
as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
send 'Avant le second'
until_true 'le seul nœud a la fiche' has ehpad "$mid"
invite nuit --org "${org[ehpad]}"
compare nuit
registrar_signs actes/nuit.demande
expect 'sans un mot du premier' "$(value complete)" false
node ehpad sign actes/nuit.demande --confirm --output actes/nuit.signee
stop ehpad
send 'Attend le premier' # nobody knows of the second yet: sealed to the first
waits=$mid
hub sign-import actes/nuit.signee
expect 'inscription complète' "$(value complete)" true
enrolled nuit
expect 'la même structure' "${org[nuit]}" "${org[ehpad]}"
hub org list
expect 'nœuds' "$(count_of "orgs.$(index_of orgs id "${invited[nuit]}").nodes")" 2
everybody_knows hopital nuit
echo 'ok a second node of an organisation is enrolled like the first'

send 'Pour le second'
second=$mid
until_true 'le second a la sienne' has nuit "$second"
node_start ehpad
until_true 'le premier a la sienne' has ehpad "$waits"
for at in "$waits" "$second"; do
    until_true 'remise, à son expéditeur' sheet_state hopital medecin "$at" delivered 1
done
expect 'fiches du premier' "$(has_sheets ehpad 2 && echo 2)" 2
expect 'fiches du second' "$(has_sheets nuit 1 && echo 1)" 1
echo 'ok each gets what was sealed for it, and nothing else'

as ehpad infirmier person list
as ehpad infirmier person link "$(provisional_person)" --to "$person_ehpad"
as nuit infirmier person add "${person_traits[@]}" --local NUIT
person_nuit=$(value id)
as nuit infirmier person list
as nuit infirmier person link "$(provisional_person)" --to "$person_nuit"
as ehpad infirmier notice "$circle" --classes médical --to "${org[hopital]}" --way oral
until_true 'le second lit ce que le premier a dit' acts nuit 2
sends ehpad infirmier "$person_ehpad" hopital 'Question du premier'
asked=$mid
until_true 'la question est à l'\''hôpital' sheet_state hopital medecin "$asked" direction in
send 'Réponse au premier' --re "$asked"
until_true 'le premier a la réponse' has ehpad "$mid"
until_true 'remise' sheet_state hopital medecin "$mid" delivered 1
! has nuit "$mid" || fail 'la réponse est allée au second nœud aussi'
echo 'ok an answer goes to the node that wrote'

as nuit infirmier oppose "$circle" --classes médical --to "${org[hopital]}"
until_true 'le premier lit l'\''opposition du second' acts ehpad 3
as_refused ERR_OPPOSITION ehpad infirmier sheet send --person "$person_ehpad" \
    --to "${org[hopital]}@mixte" --subject Essai --text 'médical=x' --basis échange
as ehpad infirmier circle show "$circle"
opposition=$(pick acts kind opposition n)
as ehpad infirmier oppose lift "$circle" --n "$opposition"
ended() { as nuit infirmier circle show "$circle" && [ "$(pick acts kind opposition live)" = false ]; }
until_true 'le second lit la levée' ended
from=$(date -u -d '+2 days' +%Y-%m-%d)
announced() { node "$1" absence list && [ "$(count_of absences)" -eq "$2" ]; }
as ehpad infirmier absence set --from "$from" --until "$from"
until_true 'le second sait la fermeture' announced nuit 1
as nuit infirmier absence clear
until_true 'le premier sait la levée' announced ehpad 0
echo 'ok what one says in a circle, or of the house, binds the other'

stop hopital
hub org quota "${org[ehpad]}" --messages 2
sends ehpad infirmier "$person_ehpad" hopital 'Une du premier'
until_true 'acceptée' accepted ehpad "$mid"
sends nuit infirmier "$person_nuit" hopital 'Une du second'
until_true 'acceptée' accepted nuit "$mid"
sends nuit infirmier "$person_nuit" hopital 'De trop, du second'
late_second=$mid
refused() { hub status && [ "$(value memory.quota_refused)" -ge 1 ]; }
until_true 'avec un seul message à lui, le second n'\''a plus de place' refused
sends ehpad infirmier "$person_ehpad" hopital 'De trop, du premier'
late_first=$mid
for one in "ehpad $late_first" "nuit $late_second"; do
    # shellcheck disable=SC2086 # two words
    ! accepted $one || fail "le quota est compté par nœud ($one)"
done
hub org list
expect 'messages de la structure' "$(pick orgs id "${invited[nuit]}" quota.messages)" 2
node_start hopital
for at in "$late_first" "$late_second"; do
    until_true 'la place rendue, elles arrivent' sheet_state hopital medecin "$at" direction in
done
as hopital medecin sheet list --box in
expect 'fiches reçues, aucune en double' "$(count_sheets 1)" 5
hub org quota "${org[ehpad]}" --standard
echo 'ok they share one quota, and what waited arrives once'

node nuit status
node_nuit=$(value node)
node ehpad status
node_premier=$(value node)
answer_of 1 hub_ org revoke "${org[ehpad]}" --node 0000 --output actes/aucun
flatten
expect 'un nœud qui n'\''existe pas' "$(value error)" ERR_NOT_FOUND
hub org revoke "${org[ehpad]}" --node "${node_nuit:0:8}" --output actes/revocation
until_true 'le second n'\''est plus servi, et le sait' told nuit ERR_SUSPENDED
node_is_linked ehpad || fail 'le premier ne l'\''est plus non plus'
"$BUILD/relais-hub" --dir registraire --passphrase-file secret/registraire registrar sign \
    actes/revocation >answer 2>words
grep -q "Révocation définitive d'un nœud, $node_nuit, .*« ${name[ehpad]} » ; motif : fin" words ||
    fail 'le registraire ne lit pas ce qu'\''il signe' "$(cat words)"
hub sign-import "$(cat answer)"
expect 'révocation publiée' "$(value complete)" true
everybody_knows hopital ehpad
send 'Après la révocation'
until_true 'le premier reçoit de nouveau tout' has ehpad "$mid"
sends ehpad infirmier "$person_ehpad" hopital 'Le premier continue'
until_true 'et envoie' accepted ehpad "$mid"
hub org list
expect 'la structure reste' "$(pick orgs id "${invited[ehpad]}" standing)" active
answer_of 1 hub_ org revoke "${org[ehpad]}" --node "${node_premier:0:8}" --output actes/dernier
grep -q 'le seul nœud de' answer || fail 'sans phrase' "$(cat answer)"
echo 'ok one is stopped at once and revoked by the registrar, who reads which; the other goes on'
