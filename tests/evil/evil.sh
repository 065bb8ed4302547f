#!/usr/bin/env bash
# evil - drives a node program beside evil_hub, one case after the other (tests/evil/README.md).
#   bash tests/evil/evil.sh BUILD NODE-PROGRAM [CASE...]
# Three houses are enrolled honestly and share a circle; that world is kept, and each case starts from
# it. Every case says what the node must do, counts the evil acts, and fails when there were none.
umask 077
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../deploy/demo" && pwd)
built=$(cd "$1" && pwd)
program=$(realpath "$2")
shift 2
top=$(mktemp -d "${TREE:-${TMPDIR:-/tmp}}/evil-XXXXXX")
mkdir "$top/bin" "$top/w"
ln -s "$built/evil_hub" "$top/bin/relais-hub"
ln -s "$program" "$top/bin/relais-node"
ln -s "$built/relais-verify" "$top/bin/relais-verify"
BUILD=$top/bin
. "$HERE/lib.sh"
. "$HERE/enrol.sh"
. "$HERE/care.sh"
end() {
    local status=$?
    for name in "${!pid[@]}"; do
        kill -KILL "${pid[$name]}" 2>/dev/null || true
        wait "${pid[$name]}" 2>/dev/null || true
    done
    [ "$status" -ne 0 ] || rm -rf "$top"
    [ "$status" -eq 0 ] || echo "--- kept: $top"
}
trap end EXIT
cd "$top/w"
export EVIL=case
: >case
: >case.acts

# --- the world, honest -------------------------------------------------------------------------------

quietly() { "$@" >/dev/null; }
set_up() {
    quietly tell_hub
    echo 'heads_every = 1s' >>hub/hub.conf
    stop hub
    hub_start
    quietly tell_founders
    invite ehpad
    compare ehpad
    registrar_signs actes/ehpad.demande
    enrolled ehpad
    until_true 'annuaire lu' knows_three hopital
    until_true 'annuaire lu' knows_three ehpad
    hub witness set "${name[hopital]}" "${name[ehpad]}" --quorum 2 --output actes/temoins
    registrar_signs actes/temoins
    quietly tell_persons
    quietly tell_circle
    as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
    until_true 'les deux témoins cosignent' attested
    node hopital policy >/dev/null
    "$BUILD/relais-node" --dir hopital --passphrase-file secret/hopital policy --output politique.txt
    halt
    cp -a ../w ../honest
}
# A receipt under a head that both witnesses cosigned: a second file, and the first does not change.
witnessed() {
    local file
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    send 'Attestée'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    until_true 'le reçu est attesté' attested_receipts 2
    for file in recus/*-atteste.tlog-proof; do
        "$BUILD/relais-verify" receipt "$file" --policy politique.txt --witnesses >preuve.txt ||
            fail 'relais-verify ne conclut pas' "$(cat preuve.txt)"
        grep -q 'degré attesté' preuve.txt && grep -q '2 témoins sur 2' preuve.txt ||
            fail 'relais-verify ne dit pas les témoins' "$(cat preuve.txt)"
        if "$BUILD/relais-verify" receipt "${file%-atteste.tlog-proof}.tlog-proof" --policy politique.txt --witnesses >preuve.txt; then
            fail 'un reçu sans témoin passe pour attesté' "$(cat preuve.txt)"
        fi
        grep -q 'quorum' preuve.txt || fail 'relais-verify' "$(cat preuve.txt)"
    done
    printf 'ok    witnessed : %s reçus attestés par 2 témoins sur 2, chacun à côté du premier\n' "$(ls recus/*-atteste.tlog-proof | wc -l)"
    halt
}
attested_receipts() { # COUNT
    rm -rf recus
    as hopital medecin sheet receipts "$mid" --output recus
    [ "$(find recus -name '*-atteste.tlog-proof' | wc -l)" -ge "$1" ]
}
knows_three() { node "$1" org list && [ "$(count_of orgs)" -eq 3 ]; }
attested() { hub status && [ "$(value witness.keys_time)" -gt 0 ] && [ "$(value witness.keyed)" -eq 2 ]; }
halt() {
    local who
    for who in hopital ehpad dac hub; do stop "$who"; done
}
restored() {
    cd "$top"
    rm -rf w
    cp -a honest w
    cd w
}

# --- what cases are made of --------------------------------------------------------------------------

evil() { printf '%s\n' "$1" >case; }
honest() { : >case; }
acts() { grep -c "^$1 " case.acts || true; }
must_have_acted() {
    local n
    n=$(acts "$1")
    [ "$n" -gt 0 ] || fail "le hub n'a rien fait de mal dans « $1 » : ce cas ne prouve rien"
    printf 'ok    evil %-16s %3d acts : %s\n' "$1" "$n" "$2"
}
send() { # wait? : one sheet from the hospital, its mid
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
        --subject "$1" --text 'médical=Texte.' --basis échange --purpose continuité
    mid=$(value mid)
}
received() { # how many sheets the other house has
    as ehpad infirmier inbox
    grep -c '^sheets[.][0-9]*[.]mid' flat || true
}
up() {
    hub_start "EVIL=$PWD/case" "EVIL_VICTIM=${org[$1]}"
    node_start_any hopital
    node_start_any ehpad
}
node_start_any() { start "$1" "$BUILD/relais-node" --dir "$1" --passphrase-file "secret/$1" serve; }
linked() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = ready ]; }
stopped() { # NODE: neither seals nor delivers any more, and says so
    node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = stopped ]
}
alarm_is() { stopped "$1" && [ "$(value alarm)" = "$2" ]; }

# A hub that only hinders: nothing is lost, nothing doubled, and all arrives once it stops.
survives() { # CASE VICTIM
    local before after i
    restored
    up "$2"
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    before=$(received)
    evil "$1"
    for i in 1 2 3; do send "Essai $i"; done
    until_true "le hub agit ($1)" eval "[ \$(acts $1) -ge 2 ]"
    honest
    send 'Après' # what comes next shows the gap that was left
    until_true "tout arrive après « $1 »" all_arrived $((before + 4))
    until_true 'la dernière est remise, reçu en main' sheet_state hopital medecin "$mid" delivered 1
    after=$(received)
    expect 'fiches reçues, ni perdues ni doublées' "$after" $((before + 4))
    until_true 'le nœud n'\''alarme pas pour un simple retard' linked "$2"
    must_have_acted "$1" 'survit, rien de perdu, rien en double'
    halt
}
all_arrived() { [ "$(received)" -eq "$1" ]; }

# Of each contradiction two heads, both under the signature of one of the hub's logs.
both_kept() { # NODE CASE
    local file
    rm -rf preuves
    node "$1" hub evidence --output preuves
    [ -e preuves/histoire-1-a.note ] || fail "« $2 » : aucune preuve gardée" "$(cat answer)"
    for file in preuves/histoire-*-a.note; do
        [ -e "${file%-a.note}-b.note" ] || fail "« $2 » : une seule des deux têtes" "$(ls preuves)"
    done
    for file in preuves/*.note; do
        grep -q "^— $(head -n 1 "$file") " "$file" || fail "« $2 » : tête sans signature" "$(cat "$file")"
    done
}

# A hub that lies under its own signature: seen, stopped, and both heads kept.
detects() { # CASE VICTIM ALARM [PROOF]
    restored
    up "$2"
    if [ "${4:-}" = restart ]; then # the lie is in the greeting: one honest session first
        until_true 'liaison' linked "$2"
        as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
            --subject 'Un' --text 'médical=Texte.' --basis échange --purpose continuité
        mid=$(value mid)
        until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
        evil "$1"
        stop "$2"
        node_start_any "$2"
    else
        until_true 'liaison' linked hopital
        until_true 'liaison' linked ehpad
        evil "$1"
        send 'Un' || true
    fi
    until_true "« $1 » est vu" alarm_is "$2" "$3"
    both_kept "$2" "$1"
    if [ "${4:-}" = proof ]; then
        "$BUILD/relais-verify" histories preuves/histoire-1-a.note preuves/histoire-1-b.note \
            --policy politique.txt >preuve.txt || fail 'relais-verify ne conclut pas' "$(cat preuve.txt)"
        grep -q 'deux histoires' preuve.txt || fail 'relais-verify' "$(cat preuve.txt)"
    fi
    must_have_acted "$1" "vu ($3), arrêté, preuves gardées${4:+ ($4)}"
    halt
}

# A hub that lies about others: refused, nothing of it is believed.
refuses_key() {
    local known
    restored
    up hopital
    until_true 'liaison' linked hopital
    node hopital org list
    known=$(count_of orgs)
    evil substitute
    invite samu
    compare_without_wait samu
    until_true 'le nœud refuse, et redemande' eval '[ $(acts substitute) -ge 2 ]'
    node hopital org list
    expect 'structures connues' "$(count_of orgs)" "$known"
    must_have_acted substitute 'la clé de substitution n'\''entre pas dans l'\''annuaire'
    halt
}
compare_without_wait() {
    compare "$1"
    registrar_signs "actes/$1.demande"
    as ehpad infirmier inbox >/dev/null
    node ehpad sign "actes/$1.demande" --confirm --output "actes/$1.ehpad"
    hub sign-import "actes/$1.ehpad"
    hub org suspend "${org[dac]}" # a statement of the hub alone: the page has something to spoil
}

forged_delivery() {
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    evil forge-delivered
    send 'Un'
    until_true '« forge-delivered » est vu' alarm_is hopital ERR_SPLIT_VIEW
    as hopital medecin sheet list
    expect 'remise annoncée sur une signature fausse' \
        "$(value "sheets.$(index_of sheets mid "$mid").delivered")" 0
    must_have_acted forge-delivered 'vu (ERR_SPLIT_VIEW), arrêté, la remise n'\''est pas crue'
    halt
}

epoch_without_leaf() {
    restored
    up hopital
    until_true 'liaison' linked hopital
    evil epoch
    stop hopital
    node_start_any hopital
    until_true '« epoch » est vu' stopped hopital
    expect 'raison' "$(value link.why)" ERR_EPOCH
    must_have_acted epoch 'vu, arrêté'
    halt
}

# Not evil, and as dangerous: the hub comes back from an old backup. Its members give it back what
# they have of the directory, it says in a new log what it has lost, and that is offered again.
after_restore() {
    local before keys epoch
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    until_true 'liaison' dac_is_linked
    before=$(received)
    answer_of 0 hub_ backup ../sauve
    send 'Remise, puis oubliée du hub'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    as ehpad infirmier notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
    until_true 'l'\''hôpital a la déclaration de l'\''EHPAD' notices_are hopital 2
    stop ehpad # its statement comes back through the hospital alone
    send 'Acceptée, puis oubliée du hub'
    until_true 'la fiche est acceptée' sheet_state hopital medecin "$mid" state 3
    hub org suspend "${org[dac]}"
    hub status
    keys=$(value keys_size)
    epoch=$(value epoch)
    until_true 'annuaire lu' node_knows hopital "$keys"
    stop hub
    mv hub hub.perdu
    answer_of 0 "$BUILD/relais-hub" --dir hub.perdu --passphrase-file secret/hub restore ../sauve --to hub
    [ -e hub/hub.conf ] || cp hub.perdu/hub.conf hub/
    echo 'restore_wait = 3s' >>hub/hub.conf
    hub_start "EVIL=$PWD/case"
    until_true 'le hub sert de nouveau' linked hopital
    until_true 'la fiche oubliée est acceptée de nouveau : le hub a retrouvé la chaîne' sheet_state hopital medecin "$mid" state 3
    node_start_any ehpad
    until_true 'le hub sert de nouveau' linked ehpad
    hub status
    expect 'annuaire retrouvé' "$(value keys_size)" "$keys"
    expect 'nouveau journal' "$(value epoch)" $((epoch + 1))
    until_true 'la fiche oubliée est offerte de nouveau, et remise' sheet_state hopital medecin "$mid" delivered 1
    until_true 'les deux fiches sont là' all_arrived $((before + 2))
    node hopital status
    expect 'alarme' "$(value alarm)" ''
    expect 'journal suivi' "$(value witness.epoch)" $((epoch + 1))
    send 'Après'
    until_true 'la suivante est remise' sheet_state hopital medecin "$mid" delivered 1
    expect 'fiches reçues, ni perdues ni doublées' "$(received)" $((before + 3))
    as hopital medecin circle show "$circle"
    expect 'chaîne entière' "$(value incomplete)" false
    printf 'ok    restored : annuaire et chaîne rendus par un membre, journal %s, rien de perdu, rien en double\n' $((epoch + 1))
    halt
}
# An old copy of the directory is put back, and nobody tells the hub: the first node that has seen more
# stops it. The same old copy with a hub that does not look: the control, where the node must see it.
old_copy() { # what the hospital has been told since is not in it
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    answer_of 0 hub_ backup ../sauve
    stop hub
    cp -a hub ../hub.vieux
    hub_start "EVIL=$PWD/case"
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    before=$(received)
    send 'Remise, puis oubliée du hub'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    stop hub
    mv hub hub.perdu
    mv ../hub.vieux hub
}
told() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.why)" = "$2" ]; }
behind() {
    local before
    rm -rf "$top/sauve" "$top/hub.vieux"
    old_copy
    hub_start "EVIL=$PWD/case"
    until_true 'le hub le dit au nœud' told hopital ERR_BEHIND
    until_true 'et à qui n'\''a rien montré' told ehpad ERR_BEHIND
    node hopital status
    expect 'alarme du nœud : le hub ne continue pas' "$(value alarm)" ''
    node hopital hub evidence --output preuves
    [ "$(find preuves -name '*.note' | wc -l)" -ge 2 ] || fail 'le nœud ne garde pas les deux têtes' "$(cat answer)"
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
        --subject 'Pendant' --text 'médical=Texte.' --basis échange --purpose continuité
    mid=$(value mid)
    hub_ status >answer 2>words || true
    grep -q '"behind": true' answer || fail 'status ne dit pas l'\''arrêt' "$(cat answer words)"
    answer_of 0 hub_ evidence ../montree.note ../sienne.note
    grep -q '/audit/' ../montree.note || fail 'pas de tête montrée' "$(cat ../montree.note)"
    stop hub
    hub_start "EVIL=$PWD/case" # a new start changes nothing
    hub_ status >answer 2>words || true
    grep -q '"behind": true' answer || fail 'un redémarrage efface l'\''arrêt' "$(cat answer words)"
    stop hub
    mv hub hub.vieux
    answer_of 0 "$BUILD/relais-hub" --dir hub.vieux --passphrase-file secret/hub restore ../sauve --to hub
    [ -e hub/hub.conf ] || cp hub.vieux/hub.conf hub/
    hub_start "EVIL=$PWD/case"
    stop hopital # it would ask again within the minute
    stop ehpad
    node_start_any hopital
    node_start_any ehpad
    until_true 'liaison' dac_is_linked
    until_true 'le hub restauré sert' linked hopital
    until_true 'le hub restauré sert' linked ehpad
    until_true 'la fiche écrite pendant l'\''arrêt est remise' sheet_state hopital medecin "$mid" delivered 1
    expect 'fiches reçues, ni perdues ni doublées' "$(received)" $((before + 2))
    node hopital status
    expect 'alarme après la restauration' "$(value alarm)" ''
    printf 'ok    behind : une vieille copie remise sans restore arrête le hub ; preuves des deux côtés ; restauré, rien de perdu\n'
    halt
}
blind() {
    local before
    rm -rf "$top/sauve" "$top/hub.vieux"
    old_copy
    evil blind
    hub_start "EVIL=$PWD/case"
    until_true 'le nœud voit ce que ce hub ne regarde pas' stopped hopital
    node hopital status
    [ -n "$(value alarm)" ] || fail 'pas d'\''alarme' "$(cat answer)"
    printf 'ok    blind : le même dossier sous un hub qui ne regarde pas : %s au nœud\n' "$(value alarm)"
    halt
}
# The tail is cut while no witness is there: who has seen it finds out, whenever he comes back, and
# nobody else is told that something is wrong.
tail_cut() {
    local why
    restored
    hub_start "EVIL=$PWD/case" # nobody but dac is there: both witnesses are away
    until_true 'liaison' dac_is_linked
    stop hub
    cp -a hub ../hub.vieux
    hub_start "EVIL=$PWD/case"
    until_true 'liaison' dac_is_linked
    invite samu # leaves of the audit log
    stop dac
    node_start_any dac # it is greeted with them
    until_true 'liaison' linked dac
    stop dac
    stop hub
    mv hub ../hub.perdu
    mv ../hub.vieux hub
    evil blind # or it would stop when dac shows what it had signed
    hub_start "EVIL=$PWD/case"
    node_start_any hopital
    node_start_any ehpad
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    send 'Entre ceux qui n'\''ont rien vu'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    node hopital status
    expect 'alarme de qui n'\''a rien vu' "$(value alarm)" ''
    node_start_any dac
    until_true 'qui a vu la fin du journal l'\''apprend' stopped dac
    node dac status
    why=$(value alarm)
    case $why in
    ERR_ROLLBACK | ERR_SPLIT_VIEW) ;;
    *) fail 'raison de l'\''arrêt' "$why" ;;
    esac
    both_kept dac tail
    printf 'ok    tail : fin du journal coupée sans témoin : %s à qui l'\''avait vue, les deux têtes gardées\n' "$why"
    rm -rf "$top/hub.perdu"
    halt
}
# Two copies of one hub go on in two ways. One house meets the one, dac the other, and they share one
# witness: it stops when it meets the second, keeps both heads, and the second gets no quorum.
two_worlds() {
    local before
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    halt
    cp -a hub ../hub.autre
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    send 'Dans le premier monde'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    until_true 'le quorum est au bout du journal' audit_is_attested
    halt
    mv hub ../hub.premier
    mv ../hub.autre hub
    evil blind
    hub_start "EVIL=$PWD/case"
    hub status
    before=$(value witness.audit_size)
    node_start_any dac
    until_true 'liaison' linked dac
    invite samu # the second world grows beyond the first: nothing is shorter
    for i in 1 2 3 4; do hub invite --name "Maison $i" --kind essms --output "actes/maison$i"; done
    node_start_any ehpad
    until_true 'le témoin commun le voit' alarm_is ehpad ERR_SPLIT_VIEW
    both_kept ehpad worlds
    node dac status
    expect 'alarme de qui n'\''a vu qu'\''un monde' "$(value alarm)" ''
    hub status
    expect 'journal du second monde attesté jusqu'\''à' "$(value witness.audit_size)" "$before"
    rm -rf "$top/hub.premier"
    printf 'ok    worlds : deux mondes, un témoin commun : ERR_SPLIT_VIEW chez lui, les deux têtes gardées, pas de quorum pour le second\n'
    halt
}
audit_is_attested() { hub status && [ "$(value witness.audit_lag)" -eq 0 ]; }
# A node comes back from an old backup: its circle's chain comes from the hub, and a new witness key
# retires the one it had.
node_restored() {
    local keys
    restored
    up hopital
    until_true 'liaison' linked hopital
    until_true 'liaison' linked ehpad
    answer_of 0 node_ hopital backup ../sauve.hopital
    as ehpad infirmier notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
    until_true 'l'\''hôpital a la déclaration de l'\''EHPAD' notices_are hopital 2
    hub status
    keys=$(value keys_size)
    stop hopital
    mv hopital hopital.perdu
    answer_of 0 "$BUILD/relais-node" --dir hopital.perdu --passphrase-file secret/hopital restore ../sauve.hopital --to hopital
    [ -e hopital/node.conf ] || cp hopital.perdu/node.conf hopital/
    node_start_any hopital
    until_true 'le hub le prend pour une seconde copie' told hopital ERR_CLONED
    hub org release "${org[hopital]}"
    stop hopital
    node_start_any hopital
    until_true 'liaison' linked hopital
    until_true 'la nouvelle clé de témoin est au journal' keys_are $((keys + 1))
    until_true 'la chaîne du cercle est revenue' notices_are hopital 2
    as hopital medecin circle show "$circle"
    expect 'chaîne entière' "$(value incomplete)" false
    until_true 'le quorum, avec la nouvelle clé, est au bout de l'\''annuaire' keys_are_attested $((keys + 1))
    send 'Après'
    until_true 'la fiche est remise' sheet_state hopital medecin "$mid" delivered 1
    node hopital status
    expect 'alarme' "$(value alarm)" ''
    stop hopital # and its cursor is its own again
    node_start_any hopital
    until_true 'liaison' linked hopital
    printf 'ok    node : nœud restauré, chaîne du cercle redemandée, ancienne clé de témoin retirée\n'
    rm -rf "$top/sauve.hopital"
    halt
}
keys_are() { hub status && [ "$(value keys_size)" -eq "$1" ]; }
keys_are_attested() { hub status && [ "$(value witness.keys_size)" -eq "$1" ]; }
notices_are() { as "$1" medecin circle show "$circle" && [ "$(awk -F '\t' '$1 ~ /^acts[.][0-9]+[.]kind$/ && $2 == "notice"' flat | wc -l)" -eq "$2" ]; }
dac_is_linked() { alive dac || node_start_any dac; linked dac; }
node_knows() { node "$1" status && [ "$(value keys_size)" -ge "$2" ]; }

wanted() { [ "${#only[@]}" -eq 0 ] || [[ " ${only[*]} " == *" $1 "* ]]; }
only=("$@")
set_up
for c in drop delay reorder replay withhold; do ! wanted $c || survives $c ehpad; done
! wanted fork-audit || detects fork-audit hopital ERR_SPLIT_VIEW proof
! wanted fork-keys || detects fork-keys hopital ERR_SPLIT_VIEW proof
! wanted false-proof || detects false-proof hopital ERR_SPLIT_VIEW
! wanted equivocate || detects equivocate hopital ERR_SPLIT_VIEW
! wanted rollback || detects rollback hopital ERR_ROLLBACK restart
! wanted cut-tail || detects cut-tail hopital ERR_SPLIT_VIEW restart
! wanted forge-delivered || forged_delivery
! wanted substitute || refuses_key
! wanted epoch || epoch_without_leaf
! wanted witnessed || witnessed
! wanted restored || after_restore
! wanted behind || behind
! wanted blind || blind
! wanted tail || tail_cut
! wanted worlds || two_worlds
! wanted node || node_restored
