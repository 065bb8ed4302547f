# kills - twenty sends under way, the hub killed by SIGKILL five times at seeded points, every send
# delivered exactly once, counted by reading both nodes. Sourced by demo.sh.

SENDS=20
SEED=${SEED:-7411}

# Where the hub dies. A hub that starts commits its start, then the session of each node that comes
# back, then what they send. While the three others are held back (SIGSTOP), the third commit is that
# of the hospital's sends: once it is killed before it, once after it and before any receipt. Then,
# somewhere drawn from the seed, among the receipts, and twice among the deliveries. What a kill
# waits for is there whatever the kills before it left undone.
kill_points() {
    RANDOM=$SEED
    echo before-commit:3
    echo after-commit:3
    echo "before-receipt:$((1 + RANDOM % 5))"
    echo "during-delivery:$((1 + RANDOM % 6))"
    echo "during-delivery:$((1 + RANDOM % 6))"
}
OTHERS_FROM=3 # from this kill on (0 is the first) the other nodes take part

send_in_background() { # NUMBER
    local n=$1
    node_ hopital --as secret/medecin.as sheet send --person "$person_hopital" \
        --to "${org[ehpad]}/fonction:IDE de nuit@mixte" --note OBS --subject "Relais de nuit n° $n" \
        --text-file "médical=$DATA/relais.txt" --basis échange --wait 0 \
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
    local n point points=() left=()
    local -a sender=()
    mapfile -t points < <(kill_points)
    mkdir envois

    step "Le hub s'arrête ; l'hôpital écrit $SENDS fiches : elles sont gardées, prêtes à partir"
    stop hub
    for n in $(seq $SENDS); do send_in_background "$n"; done
    for n in "${!sender[@]}"; do
        wait "${sender[n]}" || fail "l'envoi $n n'a pas été gardé" "$(cat "envois/$n" "envois/$n.words")"
    done
    until_true "$SENDS fiches attendent à l'hôpital" waiting_sheets "$SENDS"
    done_step

    step "Le hub revient et meurt cinq fois : ${points[*]}"
    for n in dac ehpad samu; do kill -STOP "${pid[$n]}"; done
    for point in "${points[@]}"; do
        if [ "${#left[@]}" -eq $OTHERS_FROM ]; then
            for n in dac ehpad samu; do kill -CONT "${pid[$n]}"; done
        fi
        one_kill "$point" 2>/dev/null
        left+=("$(on_their_way)")
        [ "${left[-1]}" -gt 0 ] || fail "plus rien n'était en route quand le hub est mort ($point)"
    done
    expect 'morts du hub' "$(lines_of fautes.log)" 5
    done_step ": $(paste -sd ' ' <(printf '%s\n' "${left[@]}")) fiches encore en route à chaque mort"

    step 'Le hub revient pour de bon ; les quatre nœuds se relient d'\''eux-mêmes'
    hub_start
    for n in dac hopital ehpad samu; do
        until_true "${name[$n]} est de nouveau relié au hub" node_is_linked "$n"
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
# Of the twenty, those that the hospital has no proof of delivery for.
on_their_way() {
    as hopital medecin sheet list --box out
    awk -F '\t' '
        $1 ~ /^sheets[.][0-9]+[.]delivered$/ { split($1, p, "."); delivered[p[2]] = $2 }
        $1 ~ /^sheets[.][0-9]+[.]subject$/ { split($1, p, "."); subject[p[2]] = $2 }
        END { n = 0; for (i in subject) if (subject[i] ~ /^Relais de nuit/ && delivered[i] != 1) n++; print n }' flat
}
all_delivered() { [ "$(on_their_way)" = 0 ]; }
