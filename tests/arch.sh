#!/usr/bin/env bash
# The rules of the house that a compiler does not know. One finding a line: FILE:LINE: RULE: text
#   tests/arch.sh [ROOT]        checks a tree (default: this one)
#   tests/arch.sh --selftest    plants one defect for each rule in a copy; each must be found
#
# Rules, in the order of this file:
#   level     arrows point down: a folder includes its own level and those below
#   private   a header that lies beside its .c is not included from another folder
#   foreign   a third-party header is included only in the folder that owns it
#   banned    calls that nobody uses; in proto/ also: exit, environment, terminal, clock, log
#   typedef   structs keep their name
#   lines     500 lines a file; tests and tables (.def) 900
#   sleep     a test waits for an event, never for time to pass
#   host      no package registry is named in a file
#   open      nothing is left for later in the sources
#   text      UTF-8, LF, a final newline, no white space at line ends, no tab in C
set -eu -o pipefail

# --- tables ---------------------------------------------------------------------------------------

# folder  level
levels='
proto/base     0
proto/wire     1
proto/seal     1
proto/store    1
proto/journal  2
proto/policy   2
proto/link     2
hub            3
node           3
'

# header of include/ that has no .c of its own name  the folder that keeps its promise
promises='
tlogproof.h    proto/journal
'

# third-party header (pattern)  where it may be included (pattern over paths)
foreign='
sodium([.]h|/.*)       proto/seal/.*
msgpack([.]h|/.*)      proto/wire/.*
lmdb[.]h               proto/store/.*
libpq-fe[.]h           proto/store/.*
zmq(_utils)?[.]h       proto/link/.*
ini[.]h                proto/base/.*
utf8proc[.]h           proto/wire/.*
jansson[.]h            (proto/link/control[^/]*|include/control[.]h|hub/.*|node/.*)
microhttpd[.]h         (proto/link/http[.]c|node/web/.*)
qrencode[.]h           node/.*
cmocka[.]h             tests/.*
'

never='strcpy|strcat|stpcpy|sprintf|vsprintf|atoi|atol|atoll|alloca|gets|strtok|rand|srand|random|mktemp|tmpnam|system|popen'
never_in_proto='exit|_exit|quick_exit|abort|getenv|secure_getenv|setenv|putenv|printf|vprintf|puts|putchar|perror|syslog'
clocks='time|gettimeofday|clock_gettime'
logs='log_(debug|info|warn|error)'

most_lines=500
most_lines_of_tests=900

# --- the checks -----------------------------------------------------------------------------------

root=. code='' found=''

report() { # RULE: reads "FILE:LINE:TEXT", reports each as a finding
    local rule=$1 file line text
    while IFS=: read -r file line text; do
        [ -n "$file" ] || continue
        printf '%s:%s: %s: %s\n' "${file#./}" "$line" "$rule" "${text:0:120}" >>"$found"
    done
}

files() { # what is ours: tracked or new, not ignored; without git (a dist archive) all but build/
    if git -C "$root" rev-parse --show-toplevel >/dev/null 2>&1 && [ -e "$root/.git" ]; then
        git -C "$root" ls-files -co --exclude-standard
    else
        (cd "$root" && find . \( -name build -o -name node_modules \) -prune -o -type f -print |
            sed 's|^\./||')
    fi | while read -r f; do [ ! -f "$root/$f" ] || printf '%s\n' "$f"; done | sort
}

# C without comments and with empty string literals, line for line, so that greps see code only.
# Include lines keep their names.
strip_c() {
    mkdir -p "$code"
    (cd "$root" && printf '%s\n' "$1" | CODE=$code perl -ne '
        chomp;
        my $name = $_;
        open(my $in, "<", $name) or die "$name: $!";
        local $/;
        my $text = <$in>;
        $text =~ s{(/\*.*?\*/)|(//[^\n]*)|^([ \t]*\#[ \t]*include[^\n]*)|("(?:\\.|[^"\\\n])*")|(\x27(?:\\.|[^\x27\\\n])*\x27)}{
            if (defined $3) { $3 }
            elsif (defined $4) { "\"\"" }
            elsif (defined $5) { "0" }
            else { my $c = defined $1 ? $1 : $2; $c =~ tr/\n//cd; " $c" }
        }gemsx;
        (my $dir = "$ENV{CODE}/$name") =~ s{/[^/]*$}{};
        system("mkdir", "-p", $dir) unless -d $dir;
        open(my $out, ">", "$ENV{CODE}/$name") or die;
        print $out $text;
    ')
}

grep_code() { # PATTERN FILES: in stripped sources
    local pattern=$1 list=$2
    [ -n "$list" ] || return 0
    (cd "$code" && printf '%s\n' "$list" | xargs -r grep -nEH "$pattern" || true)
}

folder_of() { # FILE: the row of the table that it belongs to, if any
    case $1 in
    proto/*/*) printf '%s\n' "${1%/*}" | cut -d/ -f1,2 ;;
    hub/* | node/*) printf '%s\n' "${1%%/*}" ;;
    include/*.h | include/*.def) owner_of_header "${1##*/}" ;;
    esac
}

# include/x.h is the promise of the folder that has x.c, else x_*.c, else of the one in the table;
# one without code (limits, rows) belongs to the lowest level and is held to it.
owner_of_header() {
    local base=${1%.*} hit
    hit=$(awk -v h="$1" '$1 == h { print $2 }' <<<"$promises")
    [ -z "$hit" ] || { echo "$hit"; return; }
    hit=$(grep -E "^(proto/[a-z]+|hub|node)(/[a-z]+)?/$base[.]c\$" <<<"$all" | head -n 1 || true)
    [ -n "$hit" ] || hit=$(grep -E "^(proto/[a-z]+|hub|node)(/[a-z]+)?/${base}_[a-z0-9_]+[.]c\$" <<<"$all" | head -n 1 || true)
    [ -n "$hit" ] || hit=proto/base/-
    folder_of "$hit"
}

level_of() { awk -v f="$1" '$1 == f { print $2 }' <<<"$levels"; }

check_includes() {
    local file line text name from to from_level to_level target
    declare -A level=()
    for name in $(awk '{ print $1 }' <<<"$levels"); do level[$name]=$(level_of "$name"); done
    while IFS=: read -r file line text; do
        [ -n "$file" ] || continue
        name=$(sed -n 's/.*include[[:space:]]*"\([^"]*\)".*/\1/p' <<<"$text")
        [ -n "$name" ] || continue
        from=$(folder_of "$file")
        if [[ $name == */* ]]; then
            echo "$file:$line:$name: includes name no folder" | report level
            continue
        elif [ -f "$root/${file%/*}/$name" ]; then
            target=${file%/*}/$name # beside the includer
        elif [ -f "$root/include/$name" ]; then
            target=include/$name
        else
            target=$(grep -E "^(proto|hub|node)/(.*/)?${name##*/}\$" <<<"$all" | head -n 1 || true)
        fi
        [ -n "$target" ] || continue # the compiler says so
        to=$(folder_of "$target")
        from_level=${level[${from:-none}]:-} to_level=${level[${to:-none}]:-}
        if [ -z "$from_level" ] || [ -z "$to_level" ]; then
            echo "$file:$line:$name: folder is not in the table of levels" | report level
        elif [ "$from" != "$to" ] && { [ "$to_level" -gt "$from_level" ] || [ "$to_level" -eq 3 ]; }; then
            echo "$file:$line:$from may not include $name of $to" | report level
        elif [[ $target != include/* && $target != *.def && $from != "$to" ]]; then
            echo "$file:$line:$name belongs to $to alone (not in include/)" | report private
        fi
    done < <(grep_code '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$ours")
}

check_foreign() {
    local header where
    while read -r header where; do
        [ -n "$header" ] || continue
        grep_code "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header[>\"]" "$ours" |
            { grep -vE "^$where:" || true; } | report foreign
    done <<<"$foreign"
}

calls() { printf '(^|[^A-Za-z0-9_>.])(%s)[[:space:]]*\(' "$1"; }

check_calls() {
    grep_code "$(calls "$never")" "$c_files" | report banned
    grep_code "$(calls "$never_in_proto")|(^|[^A-Za-z0-9_])(stdout|stderr)([^A-Za-z0-9_]|\$)" "$proto" |
        { grep -v '^proto/base/log[.]c:' || true; } | report banned
    # queue.c: a condition variable waits until a moment of the system's own clock
    grep_code "$(calls "$clocks")" "$proto" |
        { grep -vE '^proto/base/(clock|queue)[.]c:' || true; } | report banned
    grep_code "$(calls "$logs")" "$proto" | { grep -v '^proto/base/log[.]c:' || true; } | report banned
    grep_code '^[[:space:]]*typedef[[:space:]]+(struct|enum|union)[^(]*$' "$c_files" | report typedef
}

check_size() {
    local file n most
    while read -r n file; do
        case $file in
        total) continue ;;
        tests/* | *.def) most=$most_lines_of_tests ;;
        *) most=$most_lines ;;
        esac
        [ "$n" -le "$most" ] || echo "$file:$most:$n lines, at most $most" | report lines
    done < <(cd "$root" && grep -E '[.](c|h|def|sh|m?js|css|html|py)$|Makefile$' <<<"$all" | xargs -r wc -l)
}

check_waiting() {
    local words='(^|[^A-Za-z0-9_-])(sleep|usleep|nanosleep|clock_nanosleep|setTimeout)([^A-Za-z0-9_-]|$)'
    grep_code "$words" "$(grep -E '^tests/.*[.][ch]$' <<<"$all")" | report sleep
    (cd "$root" && grep -E '^tests/.*[.](sh|m?js|py)$' <<<"$all" | grep -vx 'tests/arch.sh' |
        xargs -r grep -nEH "$words" || true) | { grep -vE '^[^:]*:[0-9]+:[[:space:]]*(#|//)' || true; } | report sleep
}

check_words() {
    # written so that this file does not find itself
    local hosts='deb[.]debian[.]|security[.]debian[.]|snapshot[.]debian[.]|ftp[.][a-z.]*debian[.]|npmjs[.](org|com)|pypi[.]org|pythonhoste[d]|crates[.]io|rubygem[s]|proxy[.]golang|nodesource[.]com|unpkg[.]com|jsdelive[r]|artifactregistr[y]'
    local later='TO''DO|FIX''ME|X''XX|HA''CK'
    (cd "$root" && xargs -r grep -nEIH "$hosts" <<<"$all" || true) | { grep -v '^LICENSE:' || true; } | report host
    (cd "$root" && grep -E '[.](c|h|def|sh|m?js|css|html|py)$|Makefile$' <<<"$all" |
        xargs -r grep -nwEIH "$later" || true) | report open
}

check_text() {
    local text
    # foreign bytes for tests are what they are
    text=$(grep -vE '^tests/(fuzz/corpus|vectors)/|[.](png|pdf|bin|msgpack|ico)$|^proto/vectors/|package-lock[.]json$' <<<"$all")
    (cd "$root" && xargs -r grep -nIH $'\r$' <<<"$text" || true) | sed 's/:.*//; s/$/:1:carriage return/' | sort -u | report text
    (cd "$root" && xargs -r grep -nEIH '[ 	]+$' <<<"$text" || true) | sed 's/:\([0-9]*\):.*/:\1:white space at the end/' | report text
    (cd "$root" && grep -E '[.][ch]$' <<<"$text" | xargs -r grep -nEIH '	' || true) | sed 's/:\([0-9]*\):.*/:\1:tab/' | report text
    (cd "$root" && while read -r f; do
        [ ! -s "$f" ] || [ -z "$(tail -c 1 "$f" | tr -d '\n' | tr '\0' x)" ] || echo "$f:1:no newline at the end"
        iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || echo "$f:1:not UTF-8"
    done <<<"$text") | report text
}

check_tree() { # ROOT: findings on standard output; 1 if there are any
    root=$1
    code=$(mktemp -d) found=$(mktemp)
    all=$(files)
    c_files=$(grep -E '[.]([ch]|def)$' <<<"$all" || true)
    ours=$(grep -E '^(include|proto|hub|node)/' <<<"$c_files" || true)
    proto=$(grep -E '^proto/.*[.][ch]$' <<<"$c_files" || true)
    strip_c "$c_files"
    check_includes
    check_foreign
    check_calls
    check_size
    check_waiting
    check_words
    check_text
    sort "$found"
    local n
    n=$(wc -l <"$found")
    rm -rf "$code" "$found"
    [ "$n" -eq 0 ]
}

# --- the selftest ---------------------------------------------------------------------------------

plant() { # RULE FILE: standard input becomes FILE in the copy, where RULE must find it
    mkdir -p "$copy/${2%/*}"
    cat >"$copy/$2"
    echo "$2 $1" >>"$copy.planted" # a file: the other end of a pipe is a process of its own
}

selftest() {
    local row out file rule quiet missed=0
    copy=$(mktemp -d)
    trap 'rm -rf "$copy" "$copy.planted"' EXIT
    (cd "${0%/*}/.." && root=. && files | tar -cf - -T -) | tar -xf - -C "$copy"

    mkdir -p "$copy/include" "$copy/proto/journal" "$copy/proto/base" "$copy/hub" "$copy/node"
    # a promise of level 2 and a private header, for others to trespass on
    echo 'int planted_ledger(void);' >"$copy/include/planted_ledger.h"
    echo 'int planted_ledger(void);' >"$copy/proto/journal/planted_ledger.c"
    echo 'int planted_private(void);' >"$copy/proto/journal/planted_private.h"
    echo 'int planted_of_hub(void);' >"$copy/hub/planted_of_hub.h"
    echo 'int planted_of_node(void);' >"$copy/node/planted_of_node.h"
    echo '#include "planted_ledger.h"' | plant level proto/base/planted_up.c
    echo '#include "planted_ledger.h"' | plant level proto/seal/planted_up.c
    echo '#include "planted_ledger.h"' | plant level include/planted_up.h
    echo '#include "planted_of_node.h"' | plant level hub/planted_peer.c
    echo '#include "../hub/planted_of_hub.h"' | plant level node/planted_peer.c
    echo '#include "planted_private.h"' | plant private proto/link/planted_private_use.c
    echo '#include "planted_private.h"' | plant private node/planted_private_use.c
    echo '#include <sodium.h>' | plant foreign proto/wire/planted_sodium.c
    echo '#include <sodium/core.h>' | plant foreign node/planted_sodium.c
    echo '#include <msgpack.h>' | plant foreign hub/planted_msgpack.c
    echo '#include <lmdb.h>' | plant foreign node/planted_lmdb.c
    echo '#include <zmq.h>' | plant foreign hub/planted_zmq.c
    echo '#include <jansson.h>' | plant foreign proto/wire/planted_jansson.c
    echo '#  include "ini.h"' | plant foreign hub/planted_ini.c
    echo '#include <utf8proc.h>' | plant foreign proto/base/planted_utf8.c
    echo '#include <cmocka.h>' | plant foreign proto/base/planted_cmocka.c
    for row in strcpy strcat 's''printf' atoi alloca gets; do
        echo "void planted(char *a) { $row(a); }" | plant banned "hub/planted_$row.c"
    done
    echo 'void planted(void) { exit(1); }' | plant banned proto/base/planted_exit.c
    echo 'char *planted(void) { return getenv(""); }' | plant banned proto/link/planted_env.c
    echo 'void *planted(void) { return stderr; }' | plant banned proto/seal/planted_stderr.c
    echo 'long planted(void) { return time(0); }' | plant banned proto/journal/planted_time.c
    echo 'void planted(void) { log_info("", 0); }' | plant banned proto/store/planted_log.c
    echo 'typedef struct x x;' | plant typedef node/planted_typedef.c
    seq 501 | sed 's|.*|/* */|' | plant lines hub/planted_long.c
    seq 901 | sed 's|.*|/* */|' | plant lines tests/unit/planted/test_long.c
    echo 'void planted(void) { sleep(1); }' | plant sleep tests/unit/planted/test_sleep.c
    echo 'sle''ep 1' | plant sleep tests/system/planted_sleep.sh
    echo 'setTime''out(f, 1)' | plant sleep tests/vectors-js/planted.mjs
    echo "mirror http://deb.""debian.org/" | plant host deploy/planted_host
    echo '/* TO''DO */' | plant open node/planted_open.c
    printf 'int planted;' | plant text hub/planted_newline.c
    printf 'int planted;\r\n' | plant text hub/planted_crlf.c
    printf 'int planted; \n' | plant text hub/planted_white.c
    printf '\tint planted;\n' | plant text hub/planted_tab.c
    printf '/* \377 */\n' | plant text hub/planted_utf8.c
    # and what must not be found: words in comments and texts, names that only contain a call
    quiet=hub/planted_quiet.c
    printf '%s\n' '/* strcpy(a); #include <zmq.h> */' 'int my_exit(int gets_what);' \
        'const char *planted = "system(1) // strcat(a)"; // alloca(3)' >"$copy/$quiet"

    out=$(check_tree "$copy" || true)
    while read -r file rule; do
        grep -qE "^$file:[0-9]+: $rule: " <<<"$out" || {
            echo "arch selftest: rule $rule did not see $file"
            missed=1
        }
    done <"$copy.planted"
    if grep "^$quiet:" <<<"$out"; then
        echo "arch selftest: $quiet is innocent"
        missed=1
    fi
    [ "$missed" -eq 0 ] || return 1
    echo "arch selftest: $(wc -l <"$copy.planted") planted defects found"
}

case ${1:-} in
--selftest) selftest ;;
*)
    tree=${1:-$(dirname "$0")/..}
    check_tree "$tree" || {
        echo 'arch: the rules are listed at the top of tests/arch.sh' >&2
        exit 1
    }
    echo 'arch: the rules of the house hold'
    ;;
esac
