#!/usr/bin/env bash
# What somebody tired meets: a wrong file, a wrong setting, half a recall, a second copy, an act to
# sign. Each is told by name, in French, with what to do next, and none is a dead end.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
says() { # TEXT: among the last words, or the last answer
    grep -qF -- "$1" words answer || fail "attendu dans la réponse de : $called" "$1" "$(cat words answer)"
}
# As a human: without --json.
hub_text() { "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub "$@"; }
node_text() { # NODE WORDS...
    local who=$1
    shift
    "$BUILD/relais-node" --dir "$who" --passphrase-file "secret/$who" "$@"
}
as_text() { # NODE PROFESSIONAL WORDS...
    local who=$1 whom=$2
    shift 2
    node_text "$who" --as "secret/$whom.as" "$@"
}

# --- settings and directories ---------------------------------------------------------------------

answer_of 4 "$BUILD/relais-hub" --dir neuf --passphrase-file /dev/null init --name 'DAC 34' \
    --registrar "$(printf '%064d' 0)"
says 'minuscules sans accent'
[ ! -e neuf ] || fail 'un nom refusé ne crée rien'
echo phrase >phrase
answer_of 1 "$BUILD/relais-hub" --dir neuf --passphrase-file phrase check
says 'aucun hub dans neuf'
quietly tell_hub
cp hub/hub.conf kept.conf
for line in 'metrics_listen = 0.0.0.0:9' 'public_endpoint = hub.example.org'; do
    printf '%s\n' "$line" >>hub/hub.conf
    answer_of 4 hub_text check
    says "« ${line%% *} »"
    cp kept.conf hub/hub.conf
done
printf 'machin = 1\n' >>hub/hub.conf
answer_of 4 hub_text check
says 'réglage inconnu « machin »'
cp kept.conf hub/hub.conf
echo 'ok a wrong setting is named before anything starts'

answer_of 0 hub_text org list
says 'Aucune organisation'
quietly tell_founders
house ehpad
cp hopital/node.conf kept.conf
printf 'metrics_listen = 192.0.2.1:9\n' >>hopital/node.conf
stop hopital
answer_of 4 node_text hopital check
says '« metrics_listen »'
cp kept.conf hopital/node.conf
printf 'store_max = 16k\n' >>hopital/node.conf
answer_of 4 node_text hopital check
says '« store_max » vaut 16384 octets : il en faut 16m au moins'
cp kept.conf hopital/node.conf
node_start hopital
echo 'ok so is that of a node'

# --- the wrong invitation -------------------------------------------------------------------------

invite samu
# Used: refused, or its key let in no more, whichever the hub does first.
node_ samu join actes/ehpad.invitation >answer 2>words && fail 'une invitation qui a servi ne sert plus'
says 'déjà'
node samu join actes/samu.invitation
expect 'sa propre invitation sert encore' "$(value state)" approval
hub invite --name 'SAMU 62 bis' --kind urgence --output actes/bis.invitation
bis=$(value id)
answer_of 5 node_ samu join actes/bis.invitation
flatten
expect 'deux à la fois' "$(value error)" ERR_CONFLICT
says 'org refuse'
start samu "$BUILD/relais-node" --dir samu --passphrase-file secret/samu serve
until_true 'le nœud samu répond' answers node_ samu status
answer_of 0 node_text samu status
says 'Inscription demandée'
says '--confirm EMPREINTE'
stop samu
hub org refuse "${invited[samu]}"
node samu join actes/bis.invitation --replace
expect 'la seconde sert, la première est refusée' "$(value state)" approval
answer_of 0 hub_text org approve 'SAMU 62 b' --fingerprint "$(value fingerprint)" --output actes/bis.demande
answer_of 0 hub_text requests
says 'Enrôlement de « SAMU 62 bis » (service d'"'"'urgence)'
answer_of 4 hub_text sign-import actes/bis.demande
says 'pas encore une signature'
answer_of 1 hub_text org approve 'Personne' --fingerprint X --output actes/rien
says 'aucune invitation en cours'
hub org refuse "$bis"
echo 'ok a wrong invitation is no dead end, and names do where numbers did'

# --- half a recall --------------------------------------------------------------------------------

quietly tell_persons
quietly tell_circle
as hopital medecin circle invite "$circle" --to "${org[dac]}" --category social --classes identité,social
until_true 'l'"'"'invitation arrive au DAC' has_invitation dac coordinateur
answer_of 0 as_text dac coordinateur circle invitations
says "O'Brien-Lefèvre"
says 'à accepter avant le'
as dac coordinateur circle accept "$circle"
until_true 'l'"'"'hôpital voit le DAC' is_member hopital medecin dac
answer_of 0 as_text hopital medecin circle list
says "O'Brien-Lefèvre"
answer_of 0 as_text hopital medecin circle show "$circle"
says 'référente et responsable'
answer_of 2 as_text hopital medecin notice "$circle" --classes social --to "${org[ehpad]}" "${org[dac]}"
says 'est de trop'
as hopital medecin notice "$circle" --classes identité,social --to "${org[ehpad]}" --to "${org[dac]}"
stop ehpad
as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}" --to "${org[dac]}" \
    --subject 'Visite' --text 'social=Visite mardi.' --basis échange --wait 10
mid=$(value mid)
until_true 'le DAC l'"'"'a' sheet_state hopital medecin "$mid" delivered 1
answer_of 0 as_text hopital medecin sheet recall "$mid" --reason contenu --wait 10
says 'rappelée, mais pas chez tous'
says "EHPAD L'Âge d'Or : rappelée"
says 'Appelez-les'
answer_of 0 as_text hopital medecin journal --person "${person_hopital: -8}"
says "à $(date -u +%H):"
says "personne ${person_hopital: -8}"
echo 'ok half a recall says who has the sheet, and to call them'

# --- a message rings ------------------------------------------------------------------------------

printf '#!/bin/sh\nenv >>"%s/sonne.part"\nmv "%s/sonne.part" "%s/sonne"\n' "$top" "$top" "$top" >sonnette
chmod 700 sonnette
printf 'notify = %s/sonnette\n' "$top" >>dac/node.conf
stop dac
node_start dac
as hopital medecin sheet send --person "$person_hopital" --to "${org[dac]}" --urgent \
    --subject 'Chute dans la nuit' --text 'social=Elle va bien.' --basis échange --wait 10
until_true 'la commande du DAC est lancée' test -s sonne
grep -q '^RELAIS_URGENT=1$' sonne || fail 'urgent ?' "$(cat sonne)"
grep -qi '^RELAIS_TEXT=un message urgent vous attend' sonne || fail 'sans la phrase' "$(cat sonne)"
! grep -qiE "chute|brien|bien|$person_hopital" sonne || fail 'la commande apprend du contenu' "$(cat sonne)"
echo 'ok a message that came through the hub rings, without a word of it'

# --- a second copy --------------------------------------------------------------------------------

cp -a ehpad copie
cp secret/ehpad secret/copie
node_start ehpad
start copie "$BUILD/relais-node" --dir copie --passphrase-file secret/copie serve
warned() { node_text ehpad status >answer 2>words && grep -q 'ALARME : le hub a vu ce nœud en deux copies' answer; }
until_true 'la première copie l'"'"'apprend' warned
says 'org release'
says 'En ligne'
stop copie
hub org release "${org[ehpad]}"
node ehpad hub resume
healed() { node_text ehpad status >answer 2>words && ! grep -q 'ALARME' answer && grep -q 'En ligne' answer; }
until_true 'libérée, elle ne le dit plus' healed
echo 'ok the copy that was there first learns of the second, and of the end'

# --- what two people sign -------------------------------------------------------------------------

answer_of 4 hub_text witness set "${org[dac]}" "${org[hopital]}" --quorum 1 --output actes/temoins
says 'plus de la moitié'
answer_of 4 hub_text org quota "${org[dac]}" --bytes 3
says '1m au moins'
answer_of 0 hub_text operator list
says 'Aucun opérateur'
declare -A line=()
for who in marie paul; do
    head -c 18 /dev/urandom | base64 >"secret/$who"
    line[$who]=$("$BUILD/relais-hub" --passphrase-file "secret/$who" --light operator key --output "$who.key")
done
hub operator add Marie --key "${line[marie]}"
hub operator add Paul --key "${line[paul]}"
answer_of 0 "$BUILD/relais-hub" --dir hub --passphrase-file secret/marie org revoke "${org[dac]}" --as marie.key \
    --output actes/revocation
says "\"organisation\":\"${name[dac]}\""
act=$(grep -o 'confirm [0-9a-f]*' answer | cut -c9-)
answer_of 1 "$BUILD/relais-hub" --dir hub --passphrase-file secret/paul operator confirm 00000000 --as paul.key
says 'aucun acte en attente'
answer_of 0 "$BUILD/relais-hub" --dir hub --passphrase-file secret/paul operator confirm "$act" --as paul.key \
    --output actes/revocation
says "\"organisation\":\"${name[dac]}\""
registrar_signs actes/revocation
answer_of 1 "$BUILD/relais-hub" --dir hub --passphrase-file secret/marie org revoke "${org[dac]}" --as marie.key \
    --output actes/encore
says 'est déjà révoquée'
revoked() { as_text hopital medecin circle show "$circle" >answer 2>words && grep -q 'suspendue ou révoquée' answer; }
until_true 'le cercle le dit' revoked
echo 'ok two people read whom an act is about'
