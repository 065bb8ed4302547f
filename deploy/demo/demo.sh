#!/usr/bin/env bash
# The story of one fiche de liaison, told in French, a line a step, on real programs: one hub and
# four nodes on loopback. Every step is read back from the programs' own --json output or files; the
# exit status is 0 only if all of them held.
#
#   BUILD=/path/to/build deploy/demo/demo.sh          "make demo" calls it so
#
# Needs bash, coreutils, awk and iconv. Nothing is left running; the directories are kept, under TMPDIR.
# SEED=N draws other points for the kills and the altered bytes; DEMO_TIMES=1 tells the seconds.
set -euo pipefail
export LC_ALL=C.UTF-8 TZ=UTC
umask 077

HERE=$(cd "${0%/*}" && pwd)
. "$HERE/lib.sh"
. "$HERE/enrol.sh"
. "$HERE/care.sh"
. "$HERE/kills.sh"
. "$HERE/rights.sh"
. "$HERE/proofs.sh"

BUILD=$(cd "$BUILD" && pwd)
for program in relais-hub relais-node relais-verify search rogue_sender preload_faults.so; do
    [ -e "$BUILD/$program" ] || {
        echo "demo : $BUILD/$program manque. « make demo » construit tout puis raconte l'histoire." >&2
        exit 2
    }
done
W=$(mktemp -d "${TMPDIR:-/tmp}/relais-demo.XXXXXX")
cd "$W"

leave() {
    local status=$? name
    trap - EXIT INT TERM
    for name in "${!pid[@]}"; do stop "$name"; done
    jobs -p | xargs -r kill 2>/dev/null || true
    if [ "$status" -ne 0 ]; then
        printf '\nLa démonstration s'\''est arrêtée. Tout est conservé dans :\n    %s\n' "$W" >&2
    fi
    exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

began=$SECONDS
printf 'Relais : une fiche de liaison, de bout en bout. Toutes les données sont inventées.\n'

chapter 'On s'\''inscrit'
tell_hub
tell_founders
tell_others

chapter 'Une fiche part, arrive, et se prouve'
tell_persons
tell_circle
tell_sheet
tell_reading
tell_answer

chapter 'La panne : le hub est tué cinq fois'
tell_kills

chapter 'La personne décide'
tell_consent
tell_withdrawal
tell_rogue
tell_return
tell_outsiders

chapter 'Ce qui se prouve, et ce que le hub ne sait pas'
tell_flips
tell_search

rm -f answer words flat faux piece connus temoin.txt
cat <<END

Tout est vérifié : $step_number étapes en $((SECONDS - began)) s. Plus rien ne tourne ; les dossiers restent. Pour explorer :

    cd '${W//\'/\'\\\'\'}'
    ls                                                      # hub, registraire, dac, hopital, ehpad, samu
    '$BUILD/relais-verify' receipt recus/$(basename "$first_receipt") --policy politique.txt
    '$BUILD/relais-hub' --dir hub --passphrase-file secret/hub serve &        # le hub, de nouveau
    '$BUILD/relais-node' --dir ehpad --passphrase-file secret/ehpad serve &   # et l'EHPAD
    '$BUILD/relais-node' --dir ehpad --as secret/infirmier.as inbox           # ce qu'il a reçu
    '$BUILD/relais-hub' --dir hub log --last 20                               # ce que le hub a décidé
    '$BUILD/search' --needles aiguilles.txt hub                               # ce qu'il n'a pas su

Pour tout effacer : rm -rf '${W//\'/\'\\\'\'}'
END
