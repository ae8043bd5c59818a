#!/bin/sh
# Builds the container image without a daemon and without a base image: Debian's packages by mmdebstrap, Python's by uv
# with the hashes of requirements.lock, put together as an OCI layout by assemble.py beside this file.
#
#   deploy/image/build.sh [OUTPUT]            OUTPUT/oci, OUTPUT/sbom.cdx.json (build/image where none is given)
#   skopeo copy oci:build/image/oci:merchant docker://registry.example.org/merchant:0.1.0
#   skopeo copy oci:build/image/oci:merchant docker-archive:merchant.tar     # for `docker load` or `podman load`
#
# Needs, on Debian 12 as root: apt-get install mmdebstrap python3-venv, and this folder's `make install`. The same commit, lock
# file and state of Debian's archive give the same bytes: times are the commit's (SOURCE_DATE_EPOCH).
set -eu
umask 022
here=$(cd "$(dirname "$0")/../.." && pwd)
output=${1:-$here/build/image}
suite=bookworm
mirror=${MIRROR:-http://deb.debian.org/debian}
security=${SECURITY_MIRROR:-http://deb.debian.org/debian-security}
arch=$(dpkg --print-architecture)
case $arch in amd64) platform=x86_64-manylinux_2_36 ;; arm64) platform=aarch64-manylinux_2_36 ;;
  *) echo "build.sh: no image for $arch" >&2; exit 1 ;; esac
for tool in mmdebstrap dpkg-deb python3; do
  command -v $tool >/dev/null || { echo "build.sh: $tool is missing: apt-get install mmdebstrap" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "build.sh: run it as root (mmdebstrap and chroot need it)" >&2; exit 1; }
uv="$here/.venv/bin/uv"
[ -x "$uv" ] || { echo "build.sh: run \`make install\` first" >&2; exit 1; }
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 1700000000)}
UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true}
export SOURCE_DATE_EPOCH UV_SYSTEM_CERTS
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --- Debian: Python, what TLS needs, and the programs that `merchant backup` runs --------------------------------------------

mmdebstrap --quiet --variant=essential --architectures="$arch" --format=directory \
  --include=python3-minimal,python3,ca-certificates,tzdata,libpq5,libreadline8,libstdc++6 \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
  "$suite" "$work/root" "deb $mirror $suite main" "deb $mirror $suite-updates main" "deb $security $suite-security main"
# postgresql-client would bring Perl; its programs need the two libraries above and nothing else.
mkdir "$work/client"
(cd "$work/client" && apt-get download -q postgresql-client-15 >/dev/null 2>&1 && dpkg-deb -x postgresql-client-15_*.deb .)
install -d "$work/root/usr/lib/postgresql/15/bin"
for program in pg_dump pg_restore psql; do
  install -m 0755 "$work/client/usr/lib/postgresql/15/bin/$program" "$work/root/usr/lib/postgresql/15/bin/"
done
client=$(basename "$work"/client/*.deb .deb)
printf 'merchant:x:10001:10001::/var/lib/merchant:/usr/sbin/nologin\n' >>"$work/root/etc/passwd"
printf 'merchant:x:10001:\n' >>"$work/root/etc/group"
install -d -m 0700 -o 10001 -g 10001 "$work/root/var/lib/merchant"

# --- the service, in a folder like a venv's, whose Python is the image's ------------------------------------------------------

app=$work/root/opt/merchant
site=$app/lib/python3.11/site-packages
install -d "$app/bin" "$site"
"$uv" pip install -q --target "$site" --python-version 3.11 --python-platform $platform --link-mode copy \
  --require-hashes --only-binary :all: -c "$here/requirements.lock" -r "$here/pyproject.toml"
# The guide of the same commit, which the service shows at /docs/guide.
(cd "$here" && .venv/bin/python -m tests.docs.guide)
mkdir "$work/source"
(cd "$here" && tar -cf - --exclude=__pycache__ pyproject.toml README.md LICENSE merchant kyb qr ussd) | tar -xf - -C "$work/source"
find "$work/source" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$work/source" && "$uv" build -q --wheel --no-build-isolation --python "$here/.venv/bin/python" --out-dir "$work/wheel" .)
"$uv" pip install -q --target "$site" --python-version 3.11 --python-platform $platform --link-mode copy --offline --no-deps \
  "$work"/wheel/merchant-*.whl
rm -rf "$site/bin" "$site/.lock"
# What says where and when it was installed.
find "$site" \( -name direct_url.json -o -name uv_cache.json -o -name INSTALLER -o -name REQUESTED -o -name RECORD \) -delete
ln -s /usr/bin/python3 "$app/bin/python"
printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n' >"$app/pyvenv.cfg"
printf '#!/opt/merchant/bin/python\nimport sys\n\nfrom merchant.cli.main import main\n\nsys.exit(main())\n' >"$app/bin/merchant"
chmod 0755 "$app/bin/merchant"
# Data that no line of ours reads: places of telephone numbers, names of countries in languages, made-up people of other
# countries than one, locales of languages that the service does not speak, and tests. Together 30 MB.
rm -rf "$site/phonenumbers/geodata" "$site/phonenumbers/carrierdata" "$site/phonenumbers/tzdata" "$site/pycountry/locales"
find "$site/faker/providers" -mindepth 2 -maxdepth 2 -type d -name '[a-z]*_*' ! -name en_US -exec rm -rf {} +
posters=$(python3 -c 'import sys, tomllib; print(*tomllib.load(open(sys.argv[1], "rb")))' "$here/qr/posters/instructions.toml")
spoken=$(cd "$here/merchant/core/locale" && echo root en * "$posters")
for locale in "$site"/babel/locale-data/*.dat; do
  name=$(basename "$locale" .dat)
  case " $spoken " in *" ${name%%_*} "*) ;; *) rm "$locale" ;; esac
done
find "$site" -type d -name tests -prune -exec rm -rf {} +
find "$site" -type f \( -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.hpp' -o -name '*.cpp' \) -delete
# Compiled files carry a hash of their source, not its time. The root is read-only: none can be made later.
find "$work/root/usr/lib/python3" "$work/root/usr/lib/python3.11" "$site" -name __pycache__ -prune -exec rm -rf {} +
chroot "$work/root" /opt/merchant/bin/python -m compileall -q -j 2 --invalidation-mode unchecked-hash \
  /opt/merchant/lib/python3.11/site-packages /usr/lib/python3.11 >/dev/null || true

# Nothing is missing: neither a library nor what was taken away above.
MERCHANT_DATA_DIR=/nonexistent chroot "$work/root" /opt/merchant/bin/python -B - <"$here/deploy/image/smoke.py"

# --- what nothing needs at run time, and what differs between two builds ------------------------------------------------------

cd "$work/root"
rm -rf var/lib/apt var/cache var/log boot home media mnt srv usr/share/bash-completion usr/share/pixmaps usr/lib/*/gconv \
  etc/machine-id etc/hostname etc/resolv.conf var/lib/dpkg/*-old \
  etc/apt etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/.pwd.lock run/* tmp/*
for gone in idlelib lib2to3 test ensurepip turtledemo; do rm -rf "usr/lib/python3.11/$gone"; done
mkdir -p var/cache var/log
cd "$here"

mkdir -p "$output"
python3 "$here/deploy/image/sbom.py" "$work/root" "$here/requirements.lock" "$client" >"$output/sbom.cdx.json"
install -d "$work/root/usr/share/sbom"
install -m 0644 "$output/sbom.cdx.json" "$work/root/usr/share/sbom/merchant.cdx.json"
python3 "$here/deploy/image/assemble.py" "$work/root" "$output/oci" "$arch" \
  "$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$here/merchant/__init__.py")"
