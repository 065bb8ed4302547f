#!/usr/bin/env bash
# The deputy, through a real hub and three real nodes: the recipient is stopped, the hub is killed
# around the release, the deputy gets it once, everybody is told; and not where the person has come
# to oppose it. The hub's clock is moved by less than what makes it doubt.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
under=(LD_PRELOAD="$BUILD/preload_faults.so" RELAIS_CLOCK_FILE="$top/clock" RELAIS_FAULT_LOG="$top/faults")
ahead() { echo "$1" >clock.new && mv clock.new clock; } # ms
killed() { # POINT: the hub starts, and dies there
    local status=0 before
    before=$(lines_of faults)
    start hub env "${under[@]}" RELAIS_FAULT="$1" \
        "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --allow-core serve
    until_true "le hub est tué ($1)" gone hub
    wait "${pid[hub]}" 2>/dev/null || status=$?
    unset 'pid[hub]'
    expect "fin du hub au point $1 (137 : SIGKILL)" "$status" 137
    expect "fautes consignées au point $1" "$(lines_of faults)" $((before + 1))
    answer_of 0 hub_ fsck
}
leaves() { # of type 15
    hub log --last 1000
    awk -F '\t' '$1 ~ /^entries[.][0-9]+[.]type$/ && $2 == 15' flat | wc -l
}
send() { # SUBJECT [MORE...]
    local subject=$1
    shift
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}@mixte" \
        --deputy "${org[dac]}" --after 1m --note OBS --subject "$subject" \
        --text-file "médical=$DATA/relais.txt" --basis échange --purpose continuité --wait 10 "$@"
    mid=$(value mid)
    until_true 'le hub a accepté la fiche' sheet_state hopital medecin "$mid" state 3
}
wrong() { # STATUS ERR WORDS...
    local status=$1 code=$2
    shift 2
    answer_of "$status" node_ hopital --as secret/medecin.as sheet send --person "$person_hopital" \
        --to "${org[ehpad]}@mixte" --subject Essai --text 'médical=x' --basis échange "$@"
    flatten
    expect "refus attendu de : $called" "$(value error)" "$code"
    grep -q 'Rien n.est parti' answer || fail 'refus sans phrase' "$(cat answer)"
}
shown() { # ORG PROFESSIONAL MID PATH: what `sheet show` says there
    as "$1" "$2" sheet show "$3" && value_or_nothing "$4"
}
shows() { [ "$(shown "$1" "$2" "$3" "$4")" = "$5" ]; }
says() { # ORG PROFESSIONAL MID TEXT
    "$BUILD/relais-node" --dir "$1" --passphrase-file "secret/$1" --as "secret/$2.as" \
        sheet show "$3" >said
    grep -q "$4" said || fail "« $4 » ne se lit pas chez $1" "$(cat said)"
}
has_sheets() { as "$1" "$2" sheet list --box in && [ "$(count_sheets 1)" -eq "$3" ]; }

quietly tell_hub
quietly tell_founders
house ehpad
for who in hopital dac ehpad; do until_true "l'annuaire de $who est complet" knows "$who" 3; done
quietly tell_persons
quietly tell_circle
as hopital medecin circle invite "$circle" --to "${org[dac]}" --team 1 --category mixte \
    --classes identité,social,autonomie,médical
until_true 'l'\''invitation arrive au DAC' has_invitation dac coordinateur
as dac coordinateur circle accept "$circle"
until_true 'l'\''hôpital voit le DAC' is_member hopital medecin dac
as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" \
    --to "${org[dac]}" --way oral
stop hub
ahead 0
hub_start "${under[@]}"
until_true 'l'\''hôpital est relié' node_is_linked hopital
echo 'ok a circle of three'

wrong 2 ERR_USAGE --deputy "${org[ehpad]}" --after 4h
wrong 2 ERR_USAGE --deputy "${org[hopital]}" --after 4h
wrong 2 ERR_USAGE --after 4h
wrong 2 ERR_USAGE --deputy "${org[dac]}" --after 4h --instead-of "${org[hopital]}"
wrong 2 ERR_USAGE --deputy "${org[dac]}" --after 4h --restricted
wrong 4 ERR_FIELD_VALUE --deputy "${org[dac]}" --after 30s
wrong 4 ERR_FIELD_VALUE --deputy "${org[dac]}" --after 31d
wrong 4 ERR_FIELD_VALUE --deputy "${org[dac]}"
echo 'ok a deputy who makes no sense is refused with a sentence'

stop ehpad
send 'Relais du soir'
first=$mid
expect 'suppléant de' "$(shown hopital medecin "$first" recipients.1.deputy_for)" "${org[ehpad]}"
says hopital medecin "$first" 'en réserve, si la fiche n.est pas remise dans un délai de 1 minute'
expect 'destinataires comptés' "$(shown hopital medecin "$first" recipients.1.released_at)" null
echo 'ok it waits, and the sender reads who stands in'

# nobody is there when it becomes due: the start is the hub's first commit, the release its second
for who in dac hopital; do stop "$who"; done
stop hub
ahead 70000
killed before-commit:2
killed after-commit:2
hub_start "${under[@]}"
expect 'feuilles du suppléant' "$(leaves)" 1
hub status
expect 'remises par ce hub-ci' "$(value counts.released)" 0
echo 'ok killed before the release and after it: released once'

node_start dac
until_true 'le suppléant a la fiche' has_sheets dac coordinateur 1
expect 'suppléant de' "$(shown dac coordinateur "$first" deputy_for)" "${org[ehpad]}"
says dac coordinateur "$first" 'SUPPLÉANCE : vous recevez cette fiche à la place de EHPAD'
same_text dac coordinateur "$first" 1 "$DATA/relais.txt"
answer_of 0 "$BUILD/relais-node" --dir dac --passphrase-file secret/dac --as secret/coordinateur.as inbox
grep -q 'en suppléance de EHPAD' answer || fail 'la liste ne dit pas la suppléance' "$(cat answer)"
node_start hopital
until_true 'l'\''expéditeur le sait lue' shows hopital medecin "$first" recipients.1.opened true
says hopital medecin "$first" 'transmise le .* faute de remise à temps'
expect 'le premier ne l'\''a pas' "$(shown hopital medecin "$first" recipients.0.delivered)" false
echo 'ok the deputy has it, and knows for whom; the sender knows'

node_start ehpad
until_true 'le destinataire a la sienne' has_sheets ehpad infirmier 1
until_true 'et sait qui l'\''a aussi' shows ehpad infirmier "$first" deputy "${org[dac]}"
says ehpad infirmier "$first" 'allée aussi à votre suppléant, DAC'
until_true 'l'\''expéditeur sait les deux' shows hopital medecin "$first" recipients.0.delivered true
echo 'ok the recipient gets his own, and is told'

"$BUILD/relais-hub" --dir hub trust >politique.txt
as hopital medecin sheet receipts "$first" --output recus
proved=0
for file in recus/*; do
    "$BUILD/relais-verify" receipt "$file" --policy politique.txt >answer 2>words ||
        fail "relais-verify ne prouve pas $file" "$(cat answer words)"
    if grep -q "remis à son suppléant, pour « ${name[dac]} » à la place de « ${name[ehpad]} »" answer; then
        proved=$((proved + 1))
    fi
    if grep -q 'accepté par le hub' answer; then
        grep -q "par le hub, pour « ${name[ehpad]} », « ${name[dac]} », le" answer ||
            fail 'pour qui ?' "$(cat answer)"
        accepted=1
    fi
done
expect 'destinataires et suppléant nommés' "${accepted:-0}" 1
expect 'remises au suppléant prouvées' "$proved" 1
echo 'ok relais-verify proves the release'

stop ehpad
send 'Relais de nuit'
second=$mid
as hopital medecin oppose "$circle" --to "${org[dac]}" --classes social,autonomie,médical
ahead 140000
until_true 'l'\''expéditeur est prévenu' shows hopital medecin "$second" recipients.1.marks 512
says hopital medecin "$second" 'NON transmise à l.échéance'
expect 'motif' "$(shown hopital medecin "$second" recipients.1.code)" 124
expect 'feuilles du suppléant' "$(leaves)" 2
has_sheets dac coordinateur 1 || fail 'le suppléant a reçu ce qu'\''il ne pouvait pas recevoir'
node_start ehpad
until_true 'le destinataire a la seconde' has_sheets ehpad infirmier 2
expect 'sans suppléant' "$(shown ehpad infirmier "$second" deputy)" ''
echo 'ok opposed in between: not released, and the sender is told'

as hopital medecin oppose lift "$circle" --n "$(as hopital medecin circle show "$circle" && pick acts kind opposition n)"
send 'Relais du matin'
third=$mid
until_true 'remise' shows hopital medecin "$third" recipients.0.delivered true
stop ehpad
head -c 400000 /dev/urandom >grande
# due after the third: when it is released, the third has been looked at
send 'Relais de midi' --attach 'médical=grande'
fourth=$mid
ahead 210000
until_true 'la quatrième est remise au suppléant' shows hopital medecin "$fourth" recipients.1.delivered true
says hopital medecin "$third" 'suppléance de EHPAD.* sans objet'
expect 'suppléant de la troisième' "$(shown hopital medecin "$third" recipients.1.marks)" 0
expect 'feuilles du suppléant' "$(leaves)" 3
has_sheets dac coordinateur 2 || fail 'le suppléant n'\''a pas ses deux fiches' "$(cat answer)"
echo 'ok received in time: no deputy'

taken() { node_ dac --as secret/coordinateur.as sheet attachment "$fourth" 1 --non-analyse --output piece; }
until_true 'le suppléant a la pièce jointe' answers taken
cmp piece grande || fail 'la pièce jointe du suppléant diffère'
echo 'ok an attachment that travels beside the sheet is the deputy'\''s, too'

# the leaf of the release, and the deputy's word for it, are younger than the backup
send 'Relais du dimanche'
fifth=$mid
hub backup secours
ahead 275000
until_true 'la cinquième est remise au suppléant' shows hopital medecin "$fifth" recipients.1.delivered true
stop hub
hub restore secours --to neuf
mv hub perdu
mv neuf hub
cp perdu/hub.conf hub/hub.conf
echo 'restore_wait = 2s' >>hub/hub.conf # the recipient does not come
hub_start "${under[@]}"
serves() { hub_ log --last 1 >answer 2>words; }
until_true 'le hub restauré sert' serves
in_new_epoch() { hub log --last 1000 && [ "$(value_or_nothing entries.0.type)" = 18 ] && [ "$(leaves)" -ge 1 ]; }
until_true 'le hub restauré remet la cinquième de nouveau' in_new_epoch
for who in hopital dac; do until_true "$who est relié" node_is_linked "$who"; done
delivered() { hub status && [ "$(value counts.delivered)" -ge 1 ]; }
until_true 'le suppléant la dit reçue de nouveau' delivered
expect 'feuilles du suppléant dans le nouveau journal' "$(leaves)" 1
has_sheets dac coordinateur 3 || fail 'le suppléant n'\''a pas ses trois fiches, une fois chacune' "$(cat answer)"
shows hopital medecin "$fifth" recipients.1.delivered true || fail 'l'\''expéditeur ne le sait plus'
says hopital medecin "$fifth" 'transmise le .* faute de remise à temps'
node_start ehpad
until_true 'le destinataire a la sienne' shows hopital medecin "$fifth" recipients.0.delivered true
echo 'ok released before a restore and forgotten by it: released anew, and nobody has it twice'
