# care - the person, her circle, one fiche de liaison from writing to "opened". Sourced by demo.sh.

declare -A data=() # personne.conf

as() { # ORG PROFESSIONAL WORDS...
    local who=$1 whom=$2
    shift 2
    node "$who" --as "secret/$whom.as" "$@"
}
as_refused() { # ERR ORG PROFESSIONAL WORDS...
    local code=$1 who=$2 whom=$3
    shift 3
    refused "$code" "$who" --as "secret/$whom.as" "$@"
}

person_traits=()
tell_persons() {
    local key text
    while IFS='=' read -r key text; do
        case $key in '' | '#'*) ;; *) data[$key]=$text ;; esac
    done <"$DATA/personne.conf"
    person_traits=(--birth-name "${data[nom_naissance]}" --first-names "${data[prenoms]}"
        --birth-date "${data[date_naissance]}" --sex "${data[sexe]}"
        --birth-place "${data[lieu_naissance]}" --used-name "${data[nom_utilise]}"
        --used-first-name "${data[prenom_utilise]}")

    step "L'hôpital ouvre le dossier de Mme ${data[prenom_utilise]} ${data[nom_naissance]}, identité qualifiée (INS de test)"
    as_refused_data ERR_INS_KEY hopital medecin person add "${person_traits[@]}" --local ESSAI \
        --ins "${data[ins]%??}00" --ins-status "${data[ins_statut]}" --ins-oid "${data[ins_oid]}"
    as hopital medecin person add "${person_traits[@]}" --local "${data[local_hopital]}" \
        --ins "${data[ins]}" --ins-status "${data[ins_statut]}" --ins-oid "${data[ins_oid]}"
    person_hopital=$(value id)
    as hopital medecin person show "$person_hopital"
    expect 'nom de naissance' "$(value person.identity.birth_name)" "${data[nom_naissance]}"
    expect 'matricule INS' "$(value person.identity.ins.matricule)" "${data[ins]}"
    done_step '(une clé fausse est refusée)'

    step "L'EHPAD la connaît déjà, sous son propre numéro et sans INS"
    as ehpad infirmier person add "${person_traits[@]}" --local "${data[local_ehpad]}"
    person_ehpad=$(value id)
    as ehpad infirmier person list
    expect 'personnes connues de l'\''EHPAD' "$(value total)" 1
    done_step
}
# The same for data that is not valid: exit status 4.
as_refused_data() {
    local code=$1 who=$2 whom=$3
    shift 3
    answer_of 4 node_ "$who" --as "secret/$whom.as" "$@"
    flatten
    expect "refus attendu de : $called" "$(value error)" "$code"
}

tell_circle() {
    step "L'hôpital crée son cercle de soins et y invite l'EHPAD, qui accepte"
    as hopital medecin circle create --person "$person_hopital" --team 1 --category mixte
    circle=$(value circle)
    expect 'création enregistrée au hub' "$(value state)" committed
    as hopital medecin circle invite "$circle" --to "${org[ehpad]}" --team 1 --category mixte \
        --classes identité,social,autonomie,médical --message 'Sortie prévue demain après-midi.'
    until_true 'l'\''invitation arrive à l'\''EHPAD' has_invitation ehpad infirmier
    as ehpad infirmier circle accept "$circle"
    expect 'entrée enregistrée au hub' "$(value state)" committed
    until_true 'l'\''hôpital voit l'\''EHPAD dans le cercle' is_member hopital medecin ehpad
    until_true 'l'\''EHPAD lit le cercle' is_member ehpad infirmier hopital
    done_step
}
has_invitation() { as "$1" "$2" circle invitations && [ "$(index_of invitations circle "$circle")" = 0 ]; }
is_member() { # READER PROFESSIONAL ORG
    local at
    as "$1" "$2" circle show "$circle"
    at=$(index_of members org "${org[$3]}")
    [ -n "$at" ] && [ "$(value "members.$at.current")" = true ]
}

send_liaison() {
    as hopital medecin sheet send --person "$person_hopital" \
        --to "${org[ehpad]}/fonction:IDE de nuit@mixte" --note INST --urgent \
        --subject "Retour de Mme D'Haëne : consignes pour la nuit" \
        --text-file "médical=$DATA/medical.txt" --text-file "autonomie=$DATA/autonomie.txt" \
        --text-file "social=$DATA/social.txt" --attach "médical=$DATA/ordonnance.pdf" \
        --basis échange --purpose continuité "$@"
}

tell_sheet() {
    step 'Sans base, rien ne part : les métiers diffèrent et elle n'\''a pas été informée'
    refused ERR_NOTICE_MISSING hopital --as secret/medecin.as sheet send --person "$person_hopital" \
        --to "${org[ehpad]}/fonction:IDE de nuit@mixte" --subject 'Consignes' \
        --text 'médical=Trop tôt.' --basis échange
    as hopital medecin sheet list --box out
    expect 'fiches parties' "$(count_sheets 1)" 0
    done_step

    step 'Le médecin l'\''informe (date, nature, destinataire : article R1110-3) et le note'
    as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
    expect 'information enregistrée au hub' "$(value state)" committed
    as hopital medecin circle show "$circle"
    notice=$(pick acts kind notice n)
    done_step

    step 'La fiche de liaison part, urgente, pour « IDE de nuit », avec une ordonnance en PDF'
    send_liaison --wait 10
    mid=$(value mid)
    until_true 'le hub a accepté la fiche' sheet_state hopital medecin "$mid" state 3
    until_true 'la fiche est à l'\''EHPAD' sheet_state hopital medecin "$mid" delivered 1
    done_step
}
# TYPE 1: fiches de liaison among the listed
count_sheets() { awk -F '\t' -v t="$1" '$1 ~ /^sheets[.][0-9]+[.]type$/ && $2 == t' flat | wc -l; }
sheet_state() { # ORG PROFESSIONAL MID KEY WANTED
    local at
    as "$1" "$2" sheet list
    at=$(index_of sheets mid "$3")
    [ -n "$at" ] && [ "$(value_or_nothing "sheets.$at.$4")" = "$5" ]
}

# One section of a sheet, as bytes, against the file that was sent.
same_text() { # ORG PROFESSIONAL MID NUMBER FILE
    answer_of 0 "$BUILD/relais-node" --dir "$1" --as "secret/$2.as" sheet show "$3" --section "$4" --raw
    cmp answer "$5" >words 2>&1 || fail "le texte n° $4 lu diffère de celui qui est parti" "$(cat words)"
}
same_attachment() { # ORG PROFESSIONAL MID NUMBER FILE
    rm -f piece
    as "$1" "$2" sheet attachment "$3" "$4" --non-analyse --output piece
    cmp piece "$5" >words 2>&1 || fail "la pièce n° $4 lue diffère de celle qui est partie" "$(cat words)"
}

tell_reading() {
    local who
    step 'À l'\''EHPAD c'\''est d'\''abord une personne à identifier ; ses cinq traits proposent un dossier'
    as ehpad infirmier person list
    who=$(provisional_person)
    as ehpad infirmier person matches "$who"
    expect 'dossier proposé' "$(value matches.0.person)" "$person_ehpad"
    expect 'sur les cinq traits' "$(value matches.0.grade)" 2
    as ehpad infirmier sheet list --person "$person_ehpad"
    expect 'rien n'\''est rattaché de soi-même : fiches du dossier' "$(value total)" 0
    done_step

    step 'L'\''infirmier décide : c'\''est elle. Le lien se défait et se refait sans rien perdre'
    as ehpad infirmier person link "$who" --to "$person_ehpad"
    as ehpad infirmier sheet list --person "$person_ehpad"
    expect 'fiches du dossier' "$(count_sheets 1)" 1
    as ehpad infirmier person unlink "$who"
    as ehpad infirmier sheet list --person "$person_ehpad"
    expect 'fiches du dossier, lien défait' "$(count_sheets 1)" 0
    as ehpad infirmier person link "$who" --to "$person_ehpad"
    done_step

    step 'Il ouvre la fiche : trois textes et le PDF, identiques octet pour octet à ceux de l'\''hôpital (cmp)'
    as ehpad infirmier sheet show "$mid"
    expect 'urgente' "$(value document.urgent)" true
    expect 'pour qui' "$(value document.audience.0.label)" 'IDE de nuit'
    expect 'écrite par' "$(value document.author.name)" "Dr Anaïs N'Guyen-Delattre"
    same_text ehpad infirmier "$mid" 1 "$DATA/medical.txt"
    same_text ehpad infirmier "$mid" 2 "$DATA/autonomie.txt"
    same_text ehpad infirmier "$mid" 3 "$DATA/social.txt"
    same_attachment ehpad infirmier "$mid" 1 "$DATA/ordonnance.pdf"
    done_step

    step 'L'\''hôpital le voit : accepté par le hub, remis, ouvert ; relais-verify prouve les trois reçus'
    until_true 'l'\''hôpital sait que la fiche est ouverte' sheet_state hopital medecin "$mid" read 1
    proved_receipts hopital medecin "$mid"
    done_step
}
provisional_person() {
    local at
    at=$(index_of persons provisional true)
    [ -n "$at" ] || fail 'l'\''EHPAD ne montre pas de personne à identifier' "$(cat answer)"
    value "persons.$at.id"
}

# Receipts of the three kinds, each proved by the auditor's program alone under a policy of its own.
proved_receipts() { # ORG PROFESSIONAL MID
    local file said=''
    rm -rf recus
    as "$1" "$2" sheet receipts "$3" --output recus
    expect 'reçus de la fiche' "$(find recus -type f | wc -l)" 3
    for file in recus/*; do
        "$BUILD/relais-verify" receipt "$file" --policy politique.txt >answer 2>words ||
            fail "relais-verify ne prouve pas $file" "$(cat answer words)"
        grep -q "message $3 " answer || fail "$file ne parle pas de la fiche $3" "$(cat answer)"
        said+=$(sed 's/.*\(accepté par le hub\|remis (\|ouvert par une personne\).*/\1/' answer)'|'
    done
    first_receipt=$file
    for file in 'accepté par le hub' 'remis (' 'ouvert par une personne'; do
        case $said in *"$file|"*) ;; *) fail "aucun reçu ne prouve : $file" "$said" ;; esac
    done
}

tell_answer() {
    step 'L'\''infirmier répond ; l'\''hôpital lit la réponse sous la fiche d'\''origine'
    as ehpad infirmier notice "$circle" --classes social,autonomie,médical --to "${org[hopital]}"
    as ehpad infirmier sheet send --re "$mid" --to "${org[hopital]}@mixte" --note OBS --subject 'Première nuit' \
        --text-file "autonomie=$DATA/reponse.txt" --basis échange --wait 10
    answer_mid=$(value mid)
    until_true 'la réponse est à l'\''hôpital' sheet_state hopital medecin "$answer_mid" direction in
    as hopital medecin sheet show "$answer_mid"
    expect 'réponse à' "$(value re)" "$mid"
    expect 'personne reconnue à l'\''hôpital' "$(value identified)" true
    same_text hopital medecin "$answer_mid" 1 "$DATA/reponse.txt"
    done_step
}
