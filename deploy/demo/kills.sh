# kills - twenty sends under way, the hub killed by SIGKILL five times at seeded points, every send
# delivered exactly once, counted by reading both nodes. Sourced by demo.sh.

SENDS=20
SEED=${SEED:-7411}

# What each kill waits for; the number after the colon is drawn from the seed. The order is such
# that what a kill waits for is still to come whatever the kills before it left undone: before any
# of the twenty is written, before their first answers, twice among their deliveries, and after
# whatever the hub writes next.
kill_points() {
    RANDOM=$SEED
    echo "before-commit:$((2 + RANDOM % 2))"
    echo "before-receipt:$((1 + RANDOM % 3))"
    echo "during-delivery:$((1 + RANDOM % 4))"
    echo "during-delivery:$((1 + RANDOM % 4))"
    echo "after-commit:$((2 + RANDOM % 2))"
}

send_in_background() { # NUMBER
    local n=$1
    node_ hopital --as secret/medecin.as sheet send --person "$person_hopital" \
        --to "${org[ehpad]}/fonction:IDE de nuit@mixte" --note OBS --subject "Relais de nuit n° $n" \
        --text-file "médical=$DATA/relais.txt" --basis échange --wait 30 \
        >"envois/$n" 2>"envois/$n.words" </dev/null &
    sender[n]=$!
}

one_kill() { # POINT
    local before status=0
    before=$(lines_of fautes.log)
    start hub env LD_PRELOAD="$BUILD/preload_faults.so" RELAIS_FAULT="$1" \
        RELAIS_FAULT_LOG="$W/fautes.log" \
        "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --allow-core serve
    until_true "le hub est tué ($1)" gone hub
    wait "${pid[hub]}" 2>/dev/null || status=$?
    unset 'pid[hub]'
    expect "fin du hub au point $1 (137 : SIGKILL)" "$status" 137
    expect "fautes consignées au point $1" "$(lines_of fautes.log)" $((before + 1))
}

tell_kills() {
    local n point points=()
    local -a sender=()
    mapfile -t points < <(kill_points)
    mkdir envois

    step "Le hub s'arrête ; l'hôpital écrit $SENDS fiches : elles sont gardées, prêtes à partir"
    stop hub
    for n in $(seq $SENDS); do send_in_background "$n"; done
    until_true "$SENDS fiches attendent à l'hôpital" waiting_sheets "$SENDS"
    done_step

    step "Le hub revient et meurt cinq fois : ${points[*]}"
    for point in "${points[@]}"; do one_kill "$point"; done
    expect 'morts du hub' "$(lines_of fautes.log)" 5
    done_step

    step 'Le hub revient pour de bon'
    hub_start
    for n in "${!sender[@]}"; do
        wait "${sender[n]}" || fail "l'envoi $n n'a pas abouti" "$(cat "envois/$n" "envois/$n.words")"
    done
    until_true 'tout est remis' all_delivered
    done_step

    step "Les $SENDS fiches sont arrivées, chacune une fois, comptées chez l'hôpital et chez l'EHPAD"
    night_sheets hopital medecin out >parties
    night_sheets ehpad infirmier in >arrivees
    expect 'fiches parties' "$(wc -l <parties)" "$SENDS"
    expect 'fiches parties, sans doublon' "$(sort -u parties | wc -l)" "$SENDS"
    cmp parties arrivees >words 2>&1 || fail 'ce qui est arrivé n'\''est pas ce qui est parti' \
        "$(diff parties arrivees || true)"
    hub status
    expect 'remises en attente au hub' "$(value waiting)" 0
    done_step
}

# "mid subject", one line for each of the twenty, in order
night_sheets() { # ORG PROFESSIONAL BOX
    as "$1" "$2" sheet list --box "$3"
    awk -F '\t' '
        $1 ~ /^sheets[.][0-9]+[.]mid$/ { split($1, p, "."); mid[p[2]] = $2 }
        $1 ~ /^sheets[.][0-9]+[.]subject$/ { split($1, p, "."); subject[p[2]] = $2 }
        END { for (i in subject) if (subject[i] ~ /^Relais de nuit/) print mid[i], subject[i] }' flat | sort
}
waiting_sheets() { [ "$(night_sheets hopital medecin out | wc -l)" -eq "$1" ]; }
all_delivered() {
    as hopital medecin sheet list --box out
    [ "$(awk -F '\t' '$1 ~ /^sheets[.][0-9]+[.]delivered$/ && $2 == 1' flat | wc -l)" -ge $((SENDS + 1)) ]
}
