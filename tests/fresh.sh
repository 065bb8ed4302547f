#!/usr/bin/env bash
# The fresh machine: a bare Debian 12 root (debootstrap minbase with git, make and certificates), a
# clone of HEAD in it, and the two commands of a newcomer. Run as root.
#   tests/fresh.sh [COMMAND...]        default: "make demo" "make check"
# Package sources, proxy and npm settings are those of this machine, read now. Everything runs in
# mount and process namespaces of its own: when it ends, however it ends, mounts and processes are
# gone with it, and the root is removed. FRESH_DIR says where the root is made (default /var/tmp).
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || {
    echo 'fresh: needs root, for debootstrap and chroot' >&2
    exit 1
}
[ $# -gt 0 ] || set -- 'make demo' 'make check'
git rev-parse --quiet --verify HEAD >/dev/null || {
    echo 'fresh: needs a commit: it clones HEAD' >&2
    exit 1
}
[ -z "$(git status --porcelain)" ] || echo 'fresh: note: what is not committed is not in it'
deploy/deps.sh fresh

suite=bookworm
mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
    sed -n "s/^$suite //p" | sort -u | head -n 1)
[ -n "$mirror" ] || {
    echo "fresh: the package sources of this machine name no $suite" >&2
    exit 1
}

root=$(mktemp -d "${FRESH_DIR:-/var/tmp}/relais-fresh.XXXXXX")
clean() {
    status=$?
    trap - EXIT INT TERM
    # mounts were made in a namespace that is gone; should one be left, removing would be wrong
    if grep -q " $root/" /proc/mounts; then
        echo "fresh: something is still mounted under $root: not removed" >&2
        status=1
    else
        rm -rf --one-file-system "$root"
    fi
    exit "$status"
}
trap clean EXIT
trap 'exit 130' INT TERM
chmod 755 "$root"

# debootstrap downloads by itself and knows nothing of apt's proxy
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "${proxy:-}" ] || export http_proxy="$proxy"
echo "fresh: bare $suite in $root"
unshare --mount debootstrap --variant=minbase --include=git,make,ca-certificates \
    "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
    tail -n 20 "$root.log" >&2
    rm -f "$root.log"
    exit 1
}
rm -f "$root.log"

# how this machine reaches packages, and no package lists: as on a new machine
rm -rf "$root/etc/apt/sources.list" "$root/var/lib/apt/lists"
mkdir -p "$root/var/lib/apt/lists/partial"
for part in sources.list sources.list.d auth.conf auth.conf.d keyrings trusted.gpg.d; do
    [ ! -e "/etc/apt/$part" ] || cp -a "/etc/apt/$part" "$root/etc/apt/"
done
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/00machine" || true
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
    [ ! -e "$file" ] || cp -L "$file" "$root$file"
done
npmrc() { # KEY FALLBACK: where this machine keeps that part of npm's settings
    file=$(npm config get "$1" 2>/dev/null | tail -n 1) || file=''
    [ -f "$file" ] || file=$2
    [ -f "$file" ] && printf '%s\n' "$file"
}
! file=$(npmrc userconfig "$HOME/.npmrc") || install -m 600 "$file" "$root/root/.npmrc"
! file=$(npmrc globalconfig /etc/npmrc) || install -m 644 "$file" "$root/etc/npmrc"
settings=(HOME=/root USER=root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    LANG=C.UTF-8 npm_config_globalconfig=/etc/npmrc)
while IFS='=' read -r name value; do
    case ${name,,} in
    npm_config_globalconfig | npm_config_userconfig | npm_config_prefix | npm_config_cache) ;;
    npm_config_* | http_proxy | https_proxy | no_proxy | all_proxy) settings+=("$name=$value") ;;
    esac
done < <(env)

branch=$(git symbolic-ref --quiet --short HEAD || true)
git bundle create --quiet "$root/root/relais.bundle" HEAD ${branch:+"$branch"}

cat >"$root/root/inside" <<'INSIDE'
set -eu
mount -t proc proc /proc
mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
cd /root
git clone --quiet relais.bundle relais
cd relais
for command; do
    echo "fresh: $command"
    began=$(date +%s)
    $command || {
        status=$?
        echo "fresh: \"$command\" failed with $status"
        exit "$status"
    }
    echo "fresh: \"$command\" passed in $(($(date +%s) - began)) s"
done
INSIDE

# /dev comes from this machine; processes and mounts end with the namespaces
unshare --mount --pid --fork --kill-child --propagation private sh -c '
    root=$1
    mount --bind "$root" "$root" # so that / in it is a mount point, as on a machine
    cd "$root"
    shift
    mount --rbind /dev "$root/dev"
    mount --make-rprivate "$root/dev"
    exec chroot "$root" env -i "$@"' sh "$root" "${settings[@]}" sh /root/inside "$@" </dev/null
echo 'fresh: passed'
