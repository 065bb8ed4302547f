# proofs - a receipt with one byte changed proves nothing; the hub's files and memory hold nothing of
# what was said. Sourced by demo.sh.

FLIPS=20

tell_flips() {
    local size at old i status
    step "Un octet changé dans un reçu, à $FLIPS endroits tirés au sort : relais-verify le voit chaque fois"
    size=$(stat -c %s "$first_receipt")
    RANDOM=$SEED
    for i in $(seq $FLIPS); do
        at=$((i == 1 ? 0 : i == 2 ? size - 1 : (RANDOM * 32768 + RANDOM) % size))
        old=$(od -An -tu1 -j "$at" -N 1 "$first_receipt")
        cp "$first_receipt" faux
        printf "\\x$(printf %02x $((old ^ 1)))" | dd of=faux bs=1 seek="$at" conv=notrunc status=none
        expect "octets changés à la position $at" "$(cmp -l "$first_receipt" faux | wc -l)" 1
        status=0
        "$BUILD/relais-verify" receipt faux --policy politique.txt >answer 2>words || status=$?
        expect "relais-verify, octet $at changé (1 : pas prouvé)" "$status" 1
    done
    done_step
}

# What must not be at the hub, one text a line: identity, numbers, professionals, subjects, and
# several pieces of every text and of the PDF.
needles() {
    local key file line
    for key in local_hopital local_ehpad nom_naissance date_naissance nom_utilise ins; do
        printf '%s\n' "${data[$key]}"
    done
    printf '%s\n' "${data[prenoms]%%,*}" 'Jeanne-Françoise' 'IDE de nuit'
    for file in medecin infirmier assistante; do sed -n 's/^name=//p' "$DATA/$file.as"; done
    printf '%s\n' "Retour de Mme D'Haëne" 'consignes pour la nuit' 'Première nuit' 'Relais de nuit n° 7' \
        'Préparer le retour' 'Aide à domicile suspendue' 'Sortie prévue demain' ordonnance.pdf
    for file in medical autonomie social relais partage reponse; do
        while IFS= read -r line; do
            [ "${#line}" -ge 40 ] || continue
            printf '%s\n' "${line:0:24}" "${line:$((${#line} / 2)):24}" "${line:$((${#line} - 26)):24}"
        done <"$DATA/$file.txt"
    done
    grep -a '^(' "$DATA/ordonnance.pdf" | tail -n +2 | LC_ALL=C grep -ao '[ -~]\{16,32\}' |
        grep -v "[()]" | head -n 8
}

search() { # STATUS ARGUMENTS...: its report in "answer"
    answer_of "$1" "$BUILD/search" --needles aiguilles.txt "${@:2}"
}

tell_search() {
    local facts
    needles | sort -u >aiguilles.txt
    step "On cherche $(wc -l <aiguilles.txt) textes (noms, INS, phrases) chez le hub : dossier, journal, mémoire du processus"
    answer_of 0 "$BUILD/search" --image "${pid[hub]}" image
    facts=$(cat answer)
    [ "$(stat -c %s image)" -gt 1000000 ] || fail 'l'\''image de la mémoire est trop petite' "$facts"
    strings_of_hub_are_there
    search 0 hub hub.log image
    expect 'trouvailles' "$(tail -n 1 answer | cut -d' ' -f3)" 0
    done_step ": rien, sur $(tail -n 1 answer | sed 's/.* \([0-9]*\) octets/\1/') octets"

    step 'Témoins : la même recherche trouve tout dans l'\''export en clair des nœuds, et chaque codage planté'
    mkdir export
    as hopital medecin export --non-analyse --person "$person_hopital" --output export/hopital
    as ehpad infirmier export --non-analyse --person "$person_ehpad" --output export/ehpad
    answer_of 0 "$BUILD/search" --needles aiguilles.txt --all export
    planted
    done_step
}

# The image is one of this hub: what it does know is in it.
strings_of_hub_are_there() {
    printf '%s\n' "${name[hopital]}" exercice.relais >connus
    answer_of 0 "$BUILD/search" --needles connus --all image
}

# Every form, made by other programs than the one that searches.
planted() {
    local text form
    mkdir temoins
    for text in "${data[nom_naissance]}" "${data[ins]}" "$(sed -n 3p "$DATA/medical.txt" | cut -c1-24)"; do
        printf '%s\n' "$text" >temoin.txt
        printf '%s' "$text" | iconv -t UTF-16LE >temoins/utf-16le
        printf '%s' "$text" | iconv -t UTF-16BE >temoins/utf-16be
        printf '%s' "$text" | od -An -v -tx1 | tr -d ' \n' >temoins/hex
        printf '%s' "$text" | od -An -v -tx1 | tr -d ' \n' | tr a-f A-F >temoins/hex-capitales
        for form in '' x xx; do
            printf '%s' "$form$text~" | base64 -w 0 >"temoins/base64$form"
            printf '%s' "$form$text~" | basenc --base64url -w 0 >"temoins/base64url$form"
            printf '%s' "$form$text~" | base64 -w 20 >"temoins/base64-lignes$form"
        done
        printf '%s' "${text^^}" >temoins/capitales
        printf '%s' "$text" >temoins/utf-8
        for form in temoins/*; do
            answer_of 1 "$BUILD/search" --needles temoin.txt "$form"
        done
    done
    : >temoins/rien
    answer_of 0 "$BUILD/search" --needles temoin.txt temoins/rien
}
