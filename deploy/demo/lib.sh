# lib - what demo.sh is told with: steps, checks, processes. Sourced by bash under set -euo pipefail.
# Everything runs in the work directory, with short relative paths: a UNIX socket has at most 107
# bytes of name, and TMPDIR may be long or hold a blank.

BUILD=${BUILD:-$HERE/../../build}
DATA=$HERE/data
WAIT_S=45 # longest time for anything to happen; a node waits up to 30 s before it tries again

# --- telling --------------------------------------------------------------------------------------

step_number=0
step_text=''

exec 9>&2 # where failures are told; bash's own words about killed jobs go elsewhere

chapter() { printf '\n%s\n' "$*"; }

# Says what is about to be done; done_step says that it was read back.
step() {
    step_number=$((step_number + 1))
    step_text=$*
}
done_step() { printf '%3d. %s%s\n' "$step_number" "$step_text${1:+ $1}" "${DEMO_TIMES:+   [$SECONDS s]}"; }

fail() {
    {
        printf '\nÉCHEC à l'\''étape %d : %s\n' "$step_number" "$step_text"
        printf '  %s\n' "$@"
    } >&9
    exit 1
}

expect() { # WHAT GOT WANTED
    [ "$2" = "$3" ] || fail "$1" "attendu : $3" "obtenu  : $2"
}

# --- calling --------------------------------------------------------------------------------------
# The last answer stands in $W/answer (both outputs in $W/words for the eye) and, flattened, in $W/flat.

called=''

answer_of() { # STATUS-WANTED COMMAND...
    local wanted=$1 status=0
    shift
    called=$*
    "$@" >answer 2>words || status=$?
    if [ "$status" -ne "$wanted" ]; then
        fail "commande : $called" "code de sortie attendu : $wanted" "code de sortie obtenu  : $status" \
            "réponse : $(head -c 2000 answer)" "$(head -c 2000 words)"
    fi
}

flatten() { LC_ALL=C awk -f "$HERE/json.awk" answer >flat 2>>words ||
    fail "commande : $called" 'la réponse n'\''est pas du JSON :' "$(head -c 2000 answer)"; }

hub_() { "$BUILD/relais-hub" --dir hub --passphrase-file secret/hub --json "$@"; }
node_() { # NODE WORDS...
    local name=$1
    shift
    "$BUILD/relais-node" --dir "$name" --passphrase-file "secret/$name" --json "$@"
}

hub() { answer_of 0 hub_ "$@"; flatten; }
node() { answer_of 0 node_ "$@"; flatten; }

# A refusal by a rule: its name in the answer, and a sentence for people that is not empty.
refused() { # ERR NODE WORDS...
    local code=$1
    shift
    answer_of 1 node_ "$@"
    flatten
    expect "refus attendu de : $called" "$(value error)" "$code"
    reason=$(value text)
    [ -n "$reason" ] || fail "le refus $code n'est pas expliqué : $called"
}

first_sentence() { sed 's/\\n.*//; s/\([^.(]*([^)]*)[^.]*\|[^.]*\)[.].*/\1./' <<<"$1"; }

# --- reading answers ------------------------------------------------------------------------------

value_or_nothing() { awk -F '\t' -v p="$1" '$1 == p { print substr($0, length(p) + 2); exit }' flat; }
value() { # PATH: fails when it is not there
    grep -q "^${1//./[.]}	" flat ||
        fail "« $1 » manque dans la réponse de : $called" "$(head -c 2000 answer)"
    value_or_nothing "$1"
}
# In the array LIST, the FIELD of the one element whose KEY is VALUE.
pick() { # LIST KEY VALUE FIELD
    local at
    at=$(index_of "$1" "$2" "$3")
    [ -n "$at" ] || fail "rien dans « $1 » avec $2 = $3, réponse de : $called" "$(head -c 2000 answer)"
    value "$1.$at.$4"
}
index_of() { # LIST KEY VALUE
    awk -F '\t' -v l="$1." -v k=".$2" -v v="$3" '
        index($1, l) == 1 && substr($0, length($1) + 2) == v {
            rest = substr($1, length(l) + 1)
            if (match(rest, /^[0-9]+/) && substr(rest, RLENGTH + 1) == k) { print substr(rest, 1, RLENGTH); exit }
        }' flat
}
count_of() { # LIST: how many elements
    awk -F '\t' -v l="$1." 'index($1, l) == 1 { split(substr($1, length(l) + 1), p, "."); n[p[1]] } END { c = 0; for (i in n) c++; print c }' flat
}

# --- waiting for an event -------------------------------------------------------------------------

until_true() { # WHAT COMMAND...: asks again until it is so
    local what=$1 until=$((SECONDS + WAIT_S))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$until" ] || fail "pas arrivé en $WAIT_S s : $what"
        sleep 0.05
    done
}

# --- processes ------------------------------------------------------------------------------------

declare -A pid=()

alive() { [ -n "${pid[$1]:-}" ] && kill -0 "${pid[$1]}" 2>/dev/null; }

start() { # NAME COMMAND...: its words go to NAME.log
    local name=$1
    shift
    "$@" >>"$name.log" 2>&1 </dev/null &
    pid[$name]=$!
}

stop() { # NAME: asks, waits; kills what does not end
    local name=$1 until=$((SECONDS + 5))
    [ -n "${pid[$name]:-}" ] || return 0
    kill -TERM "${pid[$name]}" 2>/dev/null || true
    kill -CONT "${pid[$name]}" 2>/dev/null || true # it may be held back
    while kill -0 "${pid[$name]}" 2>/dev/null && [ "$SECONDS" -lt "$until" ]; do sleep 0.02; done
    kill -KILL "${pid[$name]}" 2>/dev/null || true
    wait "${pid[$name]}" 2>/dev/null || true
    unset "pid[$name]"
}

gone() { ! alive "$1"; }

logged() { # FILE FROM-LINE TEXT
    tail -n "+$2" "$1" 2>/dev/null | grep -q "$3"
}
lines_of() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }
answers() { "$@" >/dev/null 2>&1; }
