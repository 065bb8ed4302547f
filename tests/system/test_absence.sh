#!/usr/bin/env bash
# A closing, through a real hub and three real nodes: announced while the hub is away, published when
# it is back, in everybody's directory, and taken back.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
announced() { # NODE: how many closings it knows of
    node "$1" absence list && count_of absences
}
sees() { [ "$(announced "$1")" -eq "$2" ]; }
offline() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" != ready ]; }

quietly tell_hub
quietly tell_founders
first=$(date -u -d '+2 days' +%Y-%m-%d)
last=$(date -u -d '+9 days' +%Y-%m-%d)

answer_of 2 node_ hopital absence set --from "$first" --until "$last"
flatten
expect 'sans professionnel' "$(value error)" ERR_ACTOR
echo 'ok a closing is announced by somebody'

stop hub
until_true 'le nœud est hors ligne' offline hopital
as hopital medecin absence set --from "$first" --until "$last" --substitute "${org[dac]}"
node hopital absence list
expect 'annonce en attente' "$(value own.state)" waiting
expect 'annuaire hors ligne' "$(count_of absences)" 0
echo 'ok offline, it is kept'

hub_start
for who in hopital dac; do until_true "$who le sait" sees "$who" 1; done
node dac absence list
expect 'structure' "$(value absences.0.org)" "${org[hopital]}"
expect 'premier jour' "$(value absences.0.from)" "$first"
expect 'dernier jour' "$(value absences.0.until)" "$last"
expect 'à qui s'\''adresser' "$(value absences.0.substitute)" "${org[dac]}"
hub org list
expect 'au hub' "$(pick orgs id "${invited[hopital]}" absence.from)" "$first"
echo 'ok the absence of one node is in the replica of the other'

published() { node hopital absence list && [ "$(value_or_nothing own)" = null ]; }
until_true 'plus rien en attente' published
as hopital medecin absence clear
for who in hopital dac; do until_true "$who le sait" sees "$who" 0; done
echo 'ok it is taken back for everybody'

n=2 # of the day: one set, one taken back
while [ "$n" -lt 4 ]; do
    n=$((n + 1))
    as hopital medecin absence set --from "$first" --until "$last"
    until_true 'publiée' published
done
as hopital medecin absence set --from "$first" --until "$last"
over() { node hopital absence list && [ "$(value_or_nothing own.why)" = ERR_QUOTA ]; }
until_true 'la cinquième du jour est refusée' over
until_true 'dac sait la quatrième' sees dac 1
echo 'ok the fifth of a day is refused by name'
