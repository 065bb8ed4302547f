# rights - what the person decides: consent, withdrawal, opposition; a sender without checks; those
# who are not in the circle. Sourced by demo.sh.

send_share() { # to the DAC, on the consent given
    as hopital assistante sheet send --person "$person_hopital" --to "${org[dac]}@social" --note GEN \
        --subject 'Préparer le retour au printemps' --text-file "social=$DATA/partage.txt" \
        --basis consenti --consent "$consent" --wait 10
}
send_exchange() { # to the EHPAD
    as hopital assistante sheet send --person "$person_hopital" --to "${org[ehpad]}@mixte" --note GEN \
        --subject "$1" --text-file "social=$DATA/partage.txt" --basis échange --wait 10
}
share_refused() { # ERR
    as_refused "$1" hopital assistante sheet send --person "$person_hopital" --to "${org[dac]}@social" \
        --subject 'Encore' --text-file "social=$DATA/partage.txt" --basis consenti --consent "$consent"
}
exchange_refused() { # ERR
    as_refused "$1" hopital assistante sheet send --person "$person_hopital" --to "${org[ehpad]}@mixte" \
        --subject 'Encore' --text-file "social=$DATA/partage.txt" --basis échange
}
statements_known() { # ORG PROFESSIONAL KIND LIVE: the act of that kind is there, and in that state
    local at
    as "$1" "$2" circle show "$circle"
    at=$(index_of acts kind "$3")
    [ -n "$at" ] && [ "$(value "acts.$at.live")" = "$4" ]
}

tell_consent() {
    step 'Le DAC entre dans le cercle, hors de l'\''équipe de soins'
    as hopital medecin circle invite "$circle" --to "${org[dac]}" --category social \
        --classes identité,social,autonomie
    until_true 'l'\''invitation arrive au DAC' has_invitation dac coordinateur
    as dac coordinateur circle accept "$circle"
    until_true 'l'\''hôpital voit le DAC dans le cercle' is_member hopital medecin dac
    done_step

    step 'Un partage avec lui demande son consentement : sans, refusé ; elle le donne, la fiche passe'
    consent=1
    as_refused ERR_CONSENT_MISSING hopital assistante sheet send --person "$person_hopital" \
        --to "${org[dac]}@social" --subject 'Trop tôt' --text-file "social=$DATA/partage.txt" \
        --basis consenti
    as hopital assistante consent give "$circle" --classes social --to "${org[dac]}" --way écrit
    as hopital medecin circle show "$circle"
    consent=$(pick acts kind consent n)
    send_share
    share_mid=$(value mid)
    until_true 'la fiche est au DAC' sheet_state dac coordinateur "$share_mid" state_word reçu
    same_text dac coordinateur "$share_mid" 1 "$DATA/partage.txt"
    done_step
}

tell_withdrawal() {
    step 'Elle retire son consentement : le partage suivant est refusé par le nœud de l'\''hôpital'
    as hopital assistante consent withdraw "$circle" --n "$consent"
    expect 'retrait enregistré au hub' "$(value state)" committed
    share_refused ERR_CONSENT_WITHDRAWN
    done_step ": « $(first_sentence "$reason") »"

    step 'L'\''échange avec l'\''EHPAD, lui, passe toujours'
    send_exchange 'Aide à domicile suspendue'
    exchange_mid=$(value mid)
    until_true 'la fiche est à l'\''EHPAD' sheet_state hopital medecin "$exchange_mid" delivered 1
    same_text ehpad assistante "$exchange_mid" 1 "$DATA/partage.txt"
    done_step
}

rogue() { # EXIT-STATUS ERR OPTIONS...: the hub's word to a sender without checks
    local wanted=$1 code=$2
    shift 2
    answer_of "$wanted" "$BUILD/rogue_sender" --invitation actes/hopital.invitation \
        --key hopital/node.key --passphrase-file secret/hopital --circle "$circle" --classes 3 "$@"
    expect 'mot du hub à l'\''expéditeur sans contrôles' "$(cat answer)" "$code"
}
rogue_share() { rogue "$1" "$2" --to "${org[dac]}" --basis 3 --consent "$consent" --category 2; }
rogue_exchange() { rogue "$1" "$2" --to "${org[ehpad]}" --basis 1 --notice "$notice" --category 3; }

tell_rogue() {
    step 'On vole les clés de l'\''hôpital : un programme sans contrôles s'\''en sert. Le hub voit deux copies et ne sert plus'
    node hopital status
    hospital_node=$(value node)
    stop hopital
    rogue_share 3 ERR_CLONED
    hub status
    expect 'alarmes de clone' "$(value cloned)" 1
    done_step

    step 'L'\''opérateur croit à une fausse alerte et libère la clé : le hub refuse quand même le partage'
    hub org release "$hospital_node"
    rogue_share 1 ERR_CONSENT_WITHDRAWN
    done_step

    step 'À l'\''EHPAD, elle s'\''oppose aussi à l'\''échange : le hub refuse aussitôt, même au voleur'
    as ehpad infirmier oppose "$circle" --to "${org[ehpad]}"
    expect 'opposition enregistrée au hub' "$(value state)" committed
    rogue_exchange 1 ERR_OPPOSITION
    done_step
}

tell_return() {
    step 'Le vrai nœud revient : le hub voit de nouveau deux copies, l'\''opérateur vérifie et libère'
    start hopital "$BUILD/relais-node" --dir hopital --passphrase-file secret/hopital serve
    until_true 'le nœud de l'\''hôpital apprend l'\''alarme' node_is_stopped hopital
    hub org release "$hospital_node"
    stop hopital
    node_start hopital
    done_step

    step 'Le nœud de l'\''hôpital apprend l'\''opposition et refuse aussi : l'\''échange s'\''arrête'
    until_true 'l'\''opposition est connue à l'\''hôpital' statements_known hopital medecin opposition true
    exchange_refused ERR_OPPOSITION
    done_step ": « $(first_sentence "$reason") »"
}
node_is_stopped() {
    alive "$1" || return 0
    node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = stopped ]
}

tell_outsiders() {
    step 'Le DAC quitte le cercle ; lui et le SAMU le demandent au hub : rien, et la raison'
    as dac coordinateur circle leave "$circle"
    expect 'départ enregistré au hub' "$(value state)" committed
    as_refused ERR_FORMER_MEMBER dac coordinateur circle ask "$circle"
    as_refused ERR_NOT_IN_CIRCLE samu regulateur circle ask "$circle"
    as samu regulateur circle list
    expect 'cercles connus du SAMU' "$(count_of circles)" 0
    as samu regulateur inbox
    expect 'fiches reçues par le SAMU' "$(value total)" 0
    done_step ": « $(first_sentence "$reason") »"
}
