# enrol - registrar, hub, and four organisations that join (design: genesis, invitation, fingerprint
# compared on both sides, registrar's signature). Sourced by demo.sh.

declare -A org=() name=() kind=() invited=()
name[dac]='DAC Cœur-de-Flandre' kind[dac]=dac
name[hopital]="Centre hospitalier d'Étaples-sur-Mer" kind[hopital]=hopital
name[ehpad]="EHPAD L'Âge d'Or" kind[ehpad]=essms
name[samu]='SAMU 62' kind[samu]=urgence

hub_start() { # [VARIABLE=VALUE...]: serves, and is ready
    local from
    from=$(($(lines_of hub.log) + 1))
    start hub env "$@" "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --allow-core serve
    until_true 'le hub répond' hub_is_up "$from"
}
hub_is_up() {
    alive hub || fail 'le hub s'\''est arrêté :' "$(tail -n 5 hub.log)"
    logged hub.log "$1" hub.ready
}

# Ports: the kernel gives two free ones at the first start; they are kept for all later ones.
hub_ports() {
    local line
    line=$(grep hub.ready hub.log | tail -n 1)
    endpoint=$(sed 's/.* endpoint=\([^ ]*\).*/\1/' <<<"$line")
    join_endpoint=$(sed 's/.* join=\([^ ]*\).*/\1/' <<<"$line")
    printf 'listen = %s\njoin_listen = %s\n' "$endpoint" "$join_endpoint" >hub/hub.conf
}

tell_hub() {
    local who registrar
    mkdir secret actes recus
    for who in hub registraire "${!name[@]}"; do
        head -c 18 /dev/urandom | base64 >"secret/$who"
    done
    for who in "$DATA"/*.as; do cp "$who" secret/; done

    step 'Le registraire et le hub préparent leurs clés, chacun sur sa machine (mode exercice)'
    registrar=$("$BUILD/relais-hub" --dir registraire --passphrase-file secret/registraire --light \
        registrar init)
    expect 'clé du registraire' "${#registrar}" 64
    answer_of 0 hub_ --light --name exercice.relais --registrar "$registrar" --mode exercise \
        --emergency-delay 0 init
    printf 'listen = tcp://127.0.0.1:*\njoin_listen = tcp://127.0.0.1:*\n' >hub/hub.conf
    hub_start
    hub_ports
    hub status
    expect 'fédération déjà constituée' "$(value constituted)" false
    done_step
}

invite() { # ORG [--founder]
    local who=$1
    shift
    hub invite --name "${name[$who]}" --kind "${kind[$who]}" --territory Pas-de-Calais "$@" \
        --output "actes/$who.invitation"
    org[$who]=$(value org)
    invited[$who]=$(value id)
    answer_of 0 node_ "$who" --light init
    cat >"$who/node.conf" <<CONF
ping = 1s
retry = 200ms
retry_max = 500ms
CONF
}

# Both ends of the telephone: each side reads its own, and types what the other has read out.
compare() {
    local who=$1 at_node at_hub
    node "$who" join "actes/$who.invitation"
    at_node=$(value fingerprint)
    hub org list
    at_hub=$(pick orgs id "${invited[$who]}" fingerprint)
    expect "empreinte de ${name[$who]}" "$at_node" "$at_hub"
    expect 'longueur d'\''une empreinte' "${#at_hub}" 24
    hub org approve "${invited[$who]}" --fingerprint "$at_node" --output "actes/$who.demande"
    node "$who" join "actes/$who.invitation" --confirm "$at_hub"
}

# A wrong fingerprint must open nothing, on either side.
compare_wrongly() {
    local who=$1
    node "$who" join "actes/$who.invitation"
    answer_of 1 hub_ org approve "${invited[$who]}" --fingerprint 'AAAA BBBB CCCC DDDD EEEE' \
        --output "actes/$who.fausse"
    flatten
    expect 'empreinte fausse au hub' "$(value error)" ERR_FINGERPRINT
    refused ERR_FINGERPRINT "$who" join "actes/$who.invitation" --confirm 'AAAA BBBB CCCC DDDD EEEE'
}

registrar_signs() { # FILE: and brings it to the hub; last value "complete"
    local signature
    signature=$("$BUILD/relais-hub" --dir registraire --passphrase-file secret/registraire \
        registrar sign "$1" 2>words) || fail "le registraire n'a pas signé $1" "$(cat words)"
    hub sign-import "$signature"
}
member_signs() { # ORG FILE
    node "$1" sign "$2" --confirm --output "$2.$1"
    hub sign-import "$2.$1"
}
# A founder has no hub yet: its node serves its own people only.
founder_signs() {
    start "$1" "$BUILD/relais-node" --dir "$1" --passphrase-file "secret/$1" serve
    until_true "le nœud $1 répond" answers node_ "$1" status
    member_signs "$1" "$2"
    stop "$1"
}

enrolled() { # ORG: has its enrolment now, and serves
    local who=$1
    node "$who" join "actes/$who.invitation" --wait 10
    expect "inscription de ${name[$who]}" "$(value state)" enrolled
    hub org list
    expect "état de ${name[$who]} au hub" "$(pick orgs id "${invited[$who]}" standing)" active
    node_start "$who"
}

node_start() { # ORG: serves, is connected, and knows the directory
    local who=$1
    start "$who" "$BUILD/relais-node" --dir "$who" --passphrase-file "secret/$who" serve
    until_true "${name[$who]} est relié au hub" node_is_linked "$who"
}
node_is_linked() {
    alive "$1" || fail "le nœud $1 s'est arrêté :" "$(tail -n 5 "$1.log")"
    node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = ready ]
}

tell_founders() {
    step "Deux fondateurs sont invités : ${name[dac]}, ${name[hopital]} ; leurs clés naissent chez eux"
    invite dac --founder
    invite hopital --founder
    hub org list
    expect 'invitations' "$(count_of orgs)" 2
    done_step

    step 'Une empreinte fausse n'\''ouvre rien, ni au hub ni au nœud'
    compare_wrongly dac
    done_step

    step 'Les empreintes sont lues au téléphone, dans les deux sens : elles concordent'
    compare dac
    compare hopital
    done_step

    step 'L'\''acte de constitution est signé par les deux fondateurs et par le registraire'
    hub genesis --operator "${org[dac]}" --output actes/genese
    founder_signs dac actes/genese
    founder_signs hopital actes/genese
    expect 'acte complet sans le registraire' "$(value complete)" false
    registrar_signs actes/genese
    expect 'acte complet' "$(value complete)" true
    hub status
    expect 'fédération constituée' "$(value constituted)" true
    done_step

    step 'Le registraire signe leur inscription ; les deux nœuds se relient au hub'
    registrar_signs actes/dac.demande
    registrar_signs actes/hopital.demande
    enrolled dac
    enrolled hopital
    done_step
}

tell_others() {
    step "${name[ehpad]} s'inscrit de la même façon"
    invite ehpad
    compare ehpad
    registrar_signs actes/ehpad.demande
    enrolled ehpad
    done_step

    step "${name[samu]}, service d'urgence : il faut en plus deux contreseings, et pas celui du DAC, qui tient le hub"
    invite samu
    compare samu
    registrar_signs actes/samu.demande
    expect 'inscrit sans contreseing' "$(value complete)" false
    member_signs hopital actes/samu.demande
    expect 'inscrit avec un seul contreseing' "$(value complete)" false
    member_signs ehpad actes/samu.demande
    expect 'inscription complète' "$(value complete)" true
    enrolled samu
    done_step

    step 'Chaque nœud voit le même annuaire de quatre structures'
    for who in dac hopital ehpad samu; do
        until_true "l'annuaire de $who est complet" directory_is_complete "$who"
    done
    done_step
    "$BUILD/relais-hub" --dir hub trust >politique.txt
}
directory_is_complete() { node "$1" org list && [ "$(count_of orgs)" -eq 4 ]; }
