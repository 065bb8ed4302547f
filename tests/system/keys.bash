# keys - what the tests of the hub's keys share: a real hub with two named operators, a registrar,
# and houses that are enrolled once and never again. Sourced by bash under set -euo pipefail.
. "$(dirname "${BASH_SOURCE[0]}")/houses.bash"
mkdir w
cd w

ok() { printf 'ok    %s\n' "$*"; }
linked() { node_ "$1" status >answer 2>words && flatten && [ "$(value_or_nothing link.state)" = ready ]; }
node_knows() { node "$1" status && [ "$(value keys_size)" -ge "$2" ]; }
node_up() { start "$1" "$BUILD/relais-node" --dir "$1" --passphrase-file "secret/$1" serve; }
keys_size() { hub status && value keys_size; }

# Three houses and a circle; from here on nobody joins again.
world() {
    quietly tell_hub
    printf 'heads_every = 1s\noperators_required = 2\n' >>hub/hub.conf
    stop hub
    hub_start
    quietly tell_founders
    house ehpad
    until_true 'annuaire lu' knows hopital 3
    until_true 'annuaire lu' knows ehpad 3
    quietly tell_persons
    quietly tell_circle
    as hopital medecin notice "$circle" --classes social,autonomie,médical --to "${org[ehpad]}" --way oral
    for person in alice bruno; do
        "$BUILD/relais-hub" --light --passphrase-file secret/hub operator key \
            --output "secret/$person.key" >"actes/$person.pub"
        answer_of 0 hub_ operator add "$person" --key "$(cat "actes/$person.pub")"
    done
    as ehpad infirmier inbox
    count=$(sheets) # the invitation to the circle
}

sheets() { grep -c '^sheets[.][0-9]*[.]mid' flat || true; }

# One sheet from house to house, told as delivered at its sender; and what has come is counted.
exchange() { # WHAT
    as hopital medecin sheet send --person "$person_hopital" --to "${org[ehpad]}/fonction:IDE@mixte" \
        --subject "Essai $count" --text 'médical=Texte.' --basis échange --purpose continuité
    mid=$(value mid)
    until_true "remise : $1" sheet_state hopital medecin "$mid" delivered 1
    count=$((count + 1))
    as ehpad infirmier inbox
    expect "fiches reçues ($1)" "$(sheets)" "$count"
}

key_state() { # KEY: the state that the hub tells of its newest
    hub key list
    awk -F '\t' -v k="$1" '$1 ~ /^keys[.][0-9]+[.]key$/ { at = $1; sub(/key$/, "state", at); want = ($2 == k) }
        $1 ~ /^keys[.][0-9]+[.]state$/ { state[$1] = $2 } want { last = at; want = 0 } END { print state[last] }' flat
}
must_be() { # KEY STATE-BEGINNING
    local state
    state=$(key_state "$1")
    [[ $state == "$2"* ]] || fail "clé « $1 » : « $state », attendu « $2 »" "$(cat answer)"
}

key_new() { # KEY: while the service rests
    stop hub
    "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub key new "$1" >words
}
# Two operators agree; the request is what the registrar signs.
key_rotate() { # KEY WORDS...
    local key=$1 act
    shift
    rm -f "actes/$key"
    answer_of 1 hub_ key rotate "$key" "$@" --output "actes/$key"
    flatten
    expect 'sans opérateur' "$(value error)" ERR_OPERATOR
    answer_of 0 hub_ key rotate "$key" "$@" --output "actes/$key" --as secret/alice.key
    [ ! -e "actes/$key" ] || fail "un seul opérateur a suffi ($key)"
    hub operator list
    act=$(value acts_waiting.0.id)
    answer_of 0 hub_ operator confirm "$act" --as secret/bruno.key --output "actes/$key"
    [ -s "actes/$key" ] || fail "pas de demande ($key)"
}
# From a key of hub.key that nobody knows to the one in force, as OPERATIONS.md says.
key_change() { # KEY WORDS...
    key_new "$1"
    hub_start
    must_be "$1" 'préparée'
    key_rotate "$@"
    must_be "$1" 'demandée'
    registrar_signs "actes/$1"
}
