#!/bin/sh
# deps - installs what one make target needs and lacks, says which and why, and nothing else.
#
#   deploy/deps.sh demo | check | check-asan | check-valgrind | fuzz | lint | cover | fresh
#   DEPS_DRY_RUN=1 deploy/deps.sh ...    only says what it would do
#
# A tool counts as present when it runs, wherever it comes from; a library when its Debian package
# is installed, recent enough where a version stands in the row. Works on Debian 12, as root or
# through sudo. Exit status: 0 all there, 1 not, 2 wrong usage.
set -eu

# group | kind and name of what is looked for | Debian package [>= version] | what for
table() {
    cat <<'TABLE'
build | command gcc             | gcc                      | compiles Relais
build | package libc6-dev       | libc6-dev                | headers of the C library
build | package libsodium-dev   | libsodium-dev            | cryptography
build | package libsodium23     | libsodium23 >= 1.0.18-1+deb12u1 | cryptography, with the fix of CVE-2025-69277
build | package libzmq3-dev     | libzmq3-dev              | transport between nodes and hub
build | package liblmdb-dev     | liblmdb-dev              | store on disk
build | package libmsgpack-dev  | libmsgpack-dev           | writes the wire format
build | package libjansson-dev  | libjansson-dev           | JSON of the command line
build | package libinih-dev     | libinih-dev              | reads configuration files
build | package libmicrohttpd-dev | libmicrohttpd-dev    | health page and figures for monitoring
build | package libutf8proc-dev | libutf8proc-dev          | Unicode normal form of texts
build | package uthash-dev      | uthash-dev               | hash tables in memory
unit  | package libcmocka-dev   | libcmocka-dev            | unit tests
clang | command clang-14        | clang-14                 | the second compiler, sanitizers, fuzzing
clang | command clang           | clang                    | "make CC=clang"
clang | package libclang-rt-14-dev | libclang-rt-14-dev    | run-time part of sanitizers and libFuzzer
lint  | command perl            | perl-base                | reads C without its comments for tests/arch.sh
lint  | command clang-format-14 | clang-format-14          | checks the format
lint  | command clang-tidy-14   | clang-tidy-14            | static analysis
lint  | command cppcheck        | cppcheck                 | static analysis, another view
js    | node                    | nodejs                   | runs the second implementation that checks the vectors
js    | npm                     | npm                      | brings the libraries of that second implementation
sys   | command strace          | strace                   | system tests look at system calls
links | command ip              | iproute2                 | the fault campaign cuts links
sys   | command setpriv         | util-linux               | system tests drop rights
cover | command gcovr           | gcovr                    | coverage report
vg    | command valgrind        | valgrind                 | memory checker
root  | command debootstrap     | debootstrap              | makes the bare root
TABLE
}

case "${1:-}" in
demo) groups='build' ;;
check) groups='build unit clang lint js sys links' ;;
faults) groups='build links' ;;
check-asan) groups='build unit clang sys links' ;;
fuzz) groups='build unit clang' ;;
check-valgrind) groups='build unit vg' ;;
lint) groups='build unit clang lint' ;;
cover) groups='build unit cover' ;;
fresh) groups='root' ;;
*)
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
profile=$1
NODE_OLDEST=18

say() { printf 'deps: %s\n' "$*"; }
stop() {
    printf 'deps: %s\n' "$@" >&2
    exit 1
}

package_is_there() { # NAME [OLDEST]
    found=$(dpkg-query -W -f='${db:Status-Status} ${Version}' "$1" 2>/dev/null) || return 1
    [ "${found%% *}" = installed ] || return 1
    [ -z "${2:-}" ] || dpkg --compare-versions "${found#* }" ge "$2"
}

node_runs() {
    node_version=$(node --version 2>/dev/null) || return 1
    major=${node_version#v}
    [ "${major%%.*}" -ge "$NODE_OLDEST" ] 2>/dev/null
}

# Debian's npm pulls Debian's nodejs in. Where node comes from elsewhere, that would replace or
# shadow it, so it is left alone and a person is asked.
node_is_debians() {
    path=$(command -v node) && path=$(readlink -f "$path") || return 1
    dpkg-query -S "$path" 2>/dev/null | grep -q '^nodejs' || return 1
    case $(dpkg-query -W -f='${Version}' nodejs 2>/dev/null) in *nodesource*) return 1 ;; esac
}

is_there() { # KIND NAME PACKAGE OLDEST
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    package) package_is_there "$2" "$4" ;;
    node)
        node_runs && return 0
        command -v node >/dev/null 2>&1 || return 1
        node_is_debians && return 1
        stop "node runs from $(command -v node), but it is not version $NODE_OLDEST or later" \
            "(it says: $(node --version 2>&1 | head -n 1))." \
            'It does not come from Debian, so it is left alone: bring it up to date, or take it' \
            'out of PATH and call again to get the one of Debian.'
        ;;
    npm)
        npm --version >/dev/null 2>&1 && return 0
        if command -v node >/dev/null 2>&1 && ! node_is_debians; then
            stop "node runs from $(command -v node), npm does not run." \
                "The npm of Debian would bring a second node, so it is not installed: install the" \
                'npm that belongs to your node, and call again.'
        fi
        return 1
        ;;
    esac
}

command -v dpkg-query >/dev/null 2>&1 ||
    stop 'this installs packages of Debian 12, and there is no dpkg here.' \
        "What \"make $profile\" needs, by the names of Debian:" \
        "$(table | while IFS='|' read -r group what package why; do
            case " $groups " in *" ${group%% *} "*) echo $package "($(echo $why))" ;; esac
        done)"

missing=''
list=$(mktemp)
trap 'rm -f "$list"' EXIT
table >"$list"
while IFS='|' read -r group what package why; do
    case " $groups " in *" ${group%% *} "*) ;; *) continue ;; esac
    # shellcheck disable=SC2086  # the words of a cell are wanted one by one
    set -- $what
    kind=$1
    name=${2:-}
    # shellcheck disable=SC2086
    set -- $package
    is_there "$kind" "$name" "$1" "${3:-}" && continue
    say "needs $1:$why"
    missing="$missing $1"
done <"$list"

if [ -z "$missing" ]; then
    say "all that \"$profile\" needs is there"
    exit 0
fi

install="apt-get install -y --no-install-recommends$missing"
if [ "${DEPS_DRY_RUN:-}" = 1 ]; then
    say "would run: $install"
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=''
elif command -v sudo >/dev/null 2>&1; then
    as_root='sudo'
    # without a terminal nobody can type a password: refuse instead of waiting for one
    [ -t 0 ] || as_root='sudo -n'
else
    stop 'packages are missing, and this is neither root nor is there a sudo. As root, run:' \
        "    apt-get update && $install"
fi

run() {
    say "runs: $*"
    # shellcheck disable=SC2086  # empty, or sudo with its flag
    $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}
lists_are_there() {
    for f in /var/lib/apt/lists/*_Packages*; do
        [ -e "$f" ] && return 0
    done
    return 1
}
update() {
    run apt-get update -qq || stop 'the package lists could not be fetched: is there a network, and do' \
        'the sources in /etc/apt answer? Nothing was installed.'
}
try_install() {
    # shellcheck disable=SC2086  # one word a package
    run apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing
}

fresh_lists=no
if ! lists_are_there; then
    say 'there are no package lists yet'
    update
    fresh_lists=yes
fi
if ! try_install; then
    # lists from long ago name files that the mirror has no more
    [ "$fresh_lists" = no ] || stop "could not install:$missing (see above)."
    say 'once more, with new package lists'
    update
    try_install || stop "could not install:$missing (see above)."
fi
say 'installed:'"$missing"
