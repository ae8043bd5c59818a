#!/bin/sh
# Installs or upgrades the service on one Debian 12 (or later) machine, as root, from a checkout of this project:
# PostgreSQL, the service and its worker under a user of their own, nginx with TLS before them, a nightly backup.
#
#   deploy/install.sh --public-url https://pay.example.org \
#     --scheme "Lakeside Instant Payments" --country KE --currency KES --time-zone Africa/Nairobi \
#     --operator "Amina Otieno <amina@example.org>" --operator "Jean Uwase <jean@example.org>" \
#     --hub-network 192.0.2.0/24
#
# It may be run again, with the same options, with others, or from the checkout of a newer release: what is there stays,
# secrets and data first of all. Run again without --scheme and so on it upgrades. It ends in `merchant check`: exit
# status 0 when no error is found. Every file that it writes is named by --help.
set -eu
umask 077

usage() {
  sed -n '2,/^set -eu/{/^set/!s/^# \{0,1\}//p}' "$0"
  cat <<'TEXT'

  --public-url URL       the https address of the service                        (first time)
  --scheme NAME          the scheme's name, as every shopper sees it             (first time)
  --domain NAME          its domain, which QR codes carry                        (the host of --public-url)
  --country XX --currency XXX --time-zone AREA/CITY                              (first time; --currency may be repeated)
  --ussd-code CODE       for example '*384*123#'
  --operator "NAME <MAIL>"  a hub operator; may be repeated; two are needed to work  (first time)
  --un-list FILE         the consolidated list of the UN's Security Council as XML, as published now; names are screened
                         against it. None: check finds the error that names are "not checked"
  --hub-network CIDR     from where the hub calls; may be repeated. None: nobody passes as the hub
  --certificate FILE --certificate-key FILE   PEM; none: a self-signed one until you put yours in its place
  --database-url URL --owner-url URL   a PostgreSQL of yours, made by `merchant database roles`; none: this machine's
  --no-nginx             another proxy stands before the service
  --no-systemd           do not start or enable anything (for a chroot or a container)

It writes /opt/merchant-releases/*, /opt/merchant, /etc/merchant/*, /var/lib/merchant, /var/backups/merchant,
/usr/local/sbin/merchant, /etc/systemd/system/merchant*, /etc/nginx/conf.d/merchant.conf, /etc/nginx/merchant-gateway.conf,
/etc/ssl/merchant/*, and one database with four roles in the machine's PostgreSQL.
TEXT
}

say() { printf '%s\n' "$*"; }
step() { printf '[%3d s] %s\n' "$(($(date +%s) - began))" "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

began=$(date +%s)
here=$(cd "$(dirname "$0")/.." && pwd)
etc=/etc/merchant data=/var/lib/merchant backups=/var/backups/merchant releases=/opt/merchant-releases current=/opt/merchant
public_url= scheme= domain= country= currencies= time_zone= ussd_code= operators= hub_networks=
certificate= certificate_key= database_url= owner_url= un_list= links= nginx=yes systemd=yes
newline='
'

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --no-nginx) nginx=no; shift; continue ;;
    --no-systemd) systemd=no; shift; continue ;;
  esac
  [ $# -ge 2 ] || die "$1 needs a value, or is no option (see --help)"
  case $1 in
    --public-url) public_url=${2%/} ;;
    --scheme) scheme=$2 ;;
    --domain) domain=$2 ;;
    --country) country=$2 ;;
    --currency) currencies="$currencies --currency $2" ;;
    --time-zone) time_zone=$2 ;;
    --ussd-code) ussd_code=$2 ;;
    --operator) operators="$operators$2$newline" ;;
    --hub-network) hub_networks="$hub_networks $2" ;;
    --un-list) un_list=$2 ;;
    --certificate) certificate=$2 ;;
    --certificate-key) certificate_key=$2 ;;
    --database-url) database_url=$2 ;;
    --owner-url) owner_url=$2 ;;
    *) die "there is no option $1 (see --help)" ;;
  esac
  shift 2
done

# --- what must be so before anything is written -----------------------------------------------------------------------

[ "$(id -u)" = 0 ] || die "run it as root"
[ -f /etc/debian_version ] || die "this is for Debian; elsewhere follow README, \"Install for production\""
[ -f "$here/requirements.lock" ] || die "$here is no checkout of the project"
first=no
[ -f "$data/secret.key" ] || first=yes
if [ $first = yes ]; then
  [ -n "$public_url" ] || [ -f "$etc/merchant.env" ] || die "the first time --public-url is needed (see --help)"
  [ -n "$scheme" ] && [ -n "$country" ] && [ -n "$currencies" ] && [ -n "$time_zone" ] ||
    die "the first time --scheme, --country, --currency and --time-zone are needed (see --help)"
  [ -n "$operators" ] || die "the first time --operator \"NAME <MAIL>\" is needed, better two (see --help)"
fi
[ -n "$public_url" ] || public_url=$(sed -n 's/^MERCHANT_PUBLIC_URL=//p' "$etc/merchant.env")
case $public_url in
  https://?*) ;;
  *) die "--public-url must begin with https://, not $public_url" ;;
esac
host=${public_url#https://}
host=${host%%[:/]*}
printf '%s' "$host" | grep -Eq '^[A-Za-z0-9.-]+$' || die "--public-url names no host: $public_url"
[ -n "$domain" ] || domain=$host
[ -z "$un_list" ] || [ -r "$un_list" ] || die "$un_list cannot be read"
[ -n "$certificate" ] && [ -z "$certificate_key" ] && die "--certificate needs --certificate-key"
[ -n "$database_url" ] && [ -z "$owner_url" ] && die "--database-url needs --owner-url"
for network in $hub_networks; do
  printf '%s' "$network" | grep -Eq '^[0-9A-Fa-f:.]+(/[0-9]+)?$' || die "--hub-network is no network: $network"
done
printf '%s' "$operators" | while IFS= read -r one; do
  printf '%s' "$one" | grep -Eq '^[^<>]+ <[^<>@ ]+@[^<>@ ]+>$' || die "--operator must read \"Name <mail@host>\", not $one"
done

# --- packages of Debian -----------------------------------------------------------------------------------------------

packages="python3-venv postgresql-client openssl ca-certificates adduser"
[ -n "$database_url" ] || packages="$packages postgresql"
[ $nginx = no ] || packages="$packages nginx-light"
missing=
for package in $packages; do
  dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing="$missing $package"
done
case $missing in *nginx-light*) ! command -v nginx >/dev/null || missing=$(printf '%s' "$missing" | sed 's/nginx-light//') ;; esac
if [ -n "$(printf '%s' "$missing" | tr -d ' ')" ]; then
  step "installing$missing"
  export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
  apt-get update -q >/dev/null
  # shellcheck disable=SC2086 # a list
  apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or later is needed (Debian 12)"

# --- the user and the folders -----------------------------------------------------------------------------------------

getent passwd merchant >/dev/null ||
  adduser --system --group --quiet --home "$data" --no-create-home --shell /usr/sbin/nologin merchant
install -d -m 0755 /opt "$releases"
install -d -m 0700 -o merchant -g merchant "$data" "$backups"
install -d -m 0700 "$etc"

# --- the program: a folder a release, so that the one before can be gone back to ------------------------------------------

commit=$(git -C "$here" rev-parse --short HEAD 2>/dev/null || echo none)
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$here/merchant/__init__.py")
sources=$(cd "$here" && { cat requirements.lock pyproject.toml && find merchant kyb qr ussd -type f ! -name '*.pyc' |
  LC_ALL=C sort | xargs -d '\n' cat; } | sha256sum | cut -c 1-12)
release=$releases/$version-$commit-$sources
if [ ! -e "$release/installed" ]; then
  step "building $version in $release (hashes of requirements.lock)"
  rm -rf "$release"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  umask 022
  # uv and setuptools by pip, checked against the lock file; uv then installs only what the service needs.
  sed -n '/^uv==/,/[^\\]$/p; /^setuptools==/,/[^\\]$/p' "$here/requirements.lock" >"$work/tools.lock"
  python3 -m venv "$work/tools"
  "$work/tools/bin/pip" --disable-pip-version-check install -q --require-hashes --no-deps --only-binary :all: \
    -r "$work/tools.lock"
  python3 -m venv --without-pip "$release"
  UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} UV_CACHE_DIR="$work/cache" UV_LINK_MODE=copy
  export UV_SYSTEM_CERTS UV_CACHE_DIR UV_LINK_MODE
  mkdir "$work/source"
  (cd "$here" && tar -cf - --exclude=__pycache__ pyproject.toml README.md LICENSE merchant kyb qr ussd) |
    tar -xf - -C "$work/source"
  "$work/tools/bin/uv" pip install -q --python "$release/bin/python" --require-hashes --only-binary :all: \
    --compile-bytecode -c "$here/requirements.lock" -r "$here/pyproject.toml"
  (cd "$work/source" && VIRTUAL_ENV="$work/tools" "$work/tools/bin/uv" build -q --wheel --no-build-isolation \
    --python "$work/tools/bin/python" --out-dir "$work/wheel" .)
  "$work/tools/bin/uv" pip install -q --python "$release/bin/python" --offline --no-deps --compile-bytecode \
    "$work"/wheel/merchant-*.whl
  "$release/bin/merchant" --version >"$release/installed"
  umask 077
fi

cat >/usr/local/sbin/merchant <<'WRAPPER'
#!/bin/sh
# Runs a command of the service as the service's user with its settings; as the database's owner where it must be.
set -eu
take() {
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in [A-Z]*=*) export "${line?}" ;; esac
  done <"$1"
}
take /etc/merchant/merchant.env
case ${1:-} in migrate | backup | restore) take /etc/merchant/owner.env ;; esac
cd /var/lib/merchant
export HOME=/var/lib/merchant
exec setpriv --reuid merchant --regid merchant --init-groups /opt/merchant/bin/merchant "$@"
WRAPPER
chmod 0755 /usr/local/sbin/merchant

# --- the database -----------------------------------------------------------------------------------------------------

secret() { openssl rand -hex 24; }
# Debian gives a second server of a machine another port.
port=$(pg_lsclusters -h 2>/dev/null | awk 'NR == 1 { print $3 }')
place=127.0.0.1
[ "${port:-5432}" = 5432 ] || place=127.0.0.1:$port
if [ ! -f "$etc/owner.env" ]; then
  if [ -n "$database_url" ]; then
    printf 'MERCHANT_DATABASE_URL=%s\n' "$owner_url" >"$etc/owner.env"
  else
    printf 'MERCHANT_DATABASE_URL=postgresql://merchant_owner:%s@%s/merchant\n' "$(secret)" "$place" >"$etc/owner.env"
  fi
fi
if [ ! -f "$etc/merchant.env" ]; then
  [ -n "$database_url" ] || database_url=postgresql://merchant_login:$(secret)@$place/merchant
  sed -e "s|^MERCHANT_DATA_DIR=.*|MERCHANT_DATA_DIR=$data|" \
    -e "s|^MERCHANT_PUBLIC_URL=.*|MERCHANT_PUBLIC_URL=$public_url|" \
    -e "s|^MERCHANT_GATEWAY_SECRET=.*|MERCHANT_GATEWAY_SECRET=$(openssl rand -base64 32)|" \
    "$here/deploy/merchant.env.sample" >"$etc/merchant.env.new"
  # By awk: a password of the operator's may hold any sign.
  URL=$database_url awk '/^MERCHANT_DATABASE_URL=/ { print "MERCHANT_DATABASE_URL=" ENVIRON["URL"]; next } { print }' \
    "$etc/merchant.env.new" >"$etc/merchant.env"
  rm "$etc/merchant.env.new"
fi
chmod 0600 "$etc/merchant.env" "$etc/owner.env"
value() { sed -n "s/^$2=//p" "$1"; }
password() { value "$1" MERCHANT_DATABASE_URL | sed 's|^[^:]*://[^:]*:\([^@]*\)@.*|\1|'; }
if value "$etc/merchant.env" MERCHANT_DATABASE_URL | grep -q "@$place/merchant\$"; then
  cluster=$(pg_lsclusters -h | head -n 1)
  [ -n "$cluster" ] || die "there is no PostgreSQL on this machine, though $etc/merchant.env names one"
  set -- $cluster
  pg_ctlcluster "$1" "$2" status >/dev/null 2>&1 || pg_ctlcluster "$1" "$2" start
  if ! PGPASSWORD=$(password "$etc/merchant.env") psql -qXAt -h 127.0.0.1 -p "$port" -U merchant_login merchant -c 'SELECT 1' \
    >/dev/null 2>&1; then
    step "making the database and its roles"
    # On standard input: what stands in arguments can be read by every user of the machine.
    {
      printf "\\\\set owner_password '%s'\n\\\\set login_password '%s'\n" \
        "$(password "$etc/owner.env")" "$(password "$etc/merchant.env")"
      MERCHANT_DATA_DIR=/nonexistent "$release/bin/merchant" database roles
    } | (cd / && setpriv --reuid postgres --regid postgres --init-groups psql -qX -p "$port" postgres >/dev/null)
  fi
fi

# --- from one release to the next: backup, schema, program ------------------------------------------------------------------

before=$(readlink "$current" 2>/dev/null || echo none)
if [ $first = no ] && [ "$before" != "$release" ] && [ -x "$current/bin/merchant" ]; then
  step "backup before the upgrade"
  merchant=/usr/local/sbin/merchant
  $merchant backup "$backups/merchant-before-$version-$(date -u +%Y-%m-%dT%H%M%SZ).tar" >/dev/null
fi
ln -sfn "$release" "$current"
merchant=/usr/local/sbin/merchant
told=$($merchant migrate)
step "$told"
if [ $first = yes ]; then
  step "setting up the scheme"
  set -- --name "$scheme" --domain "$domain" --country "$country" --time-zone "$time_zone"
  [ -z "$ussd_code" ] || set -- "$@" --ussd-code "$ussd_code"
  set -- "$@" --email "$(printf '%s' "$operators" | sed -n '1s/.*<\(.*\)>/\1/p')"
  # shellcheck disable=SC2086 # a list of options
  links=$($merchant seed "$@" $currencies | grep '^https://')
fi

# --- the proxy ----------------------------------------------------------------------------------------------------------

if [ $nginx = yes ]; then
  install -d -m 0700 /etc/ssl/merchant
  if [ -n "$certificate" ]; then
    install -m 0644 "$certificate" /etc/ssl/merchant/fullchain.pem
    install -m 0600 "$certificate_key" /etc/ssl/merchant/privkey.pem
  elif [ ! -f /etc/ssl/merchant/fullchain.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$host" \
      -addext "subjectAltName=DNS:$host" -keyout /etc/ssl/merchant/privkey.pem -out /etc/ssl/merchant/fullchain.pem 2>/dev/null
    touch /etc/ssl/merchant/self-signed
  fi
  [ -z "$certificate" ] || rm -f /etc/ssl/merchant/self-signed
  printf 'map $merchant_hub $merchant_gateway_secret { default ""; 1 "%s"; }\n' \
    "$(value "$etc/merchant.env" MERCHANT_GATEWAY_SECRET)" >/etc/nginx/merchant-gateway.conf
  if [ ! -f /etc/nginx/conf.d/merchant.conf ] || [ -n "$hub_networks" ]; then
    networks=
    for network in $hub_networks; do networks="$networks    $network 1;\\n"; done
    sed -e "s/pay\.example\.org/$host/; s|^    192\.0\.2\.0/24 1;.*|${networks%\\n}|; s/ *# CHANGE.*//" \
      "$here/deploy/nginx.conf" >/etc/nginx/conf.d/merchant.conf
    chmod 0644 /etc/nginx/conf.d/merchant.conf
  fi
  # Debian's own first page would answer for other names on port 80.
  [ ! -L /etc/nginx/sites-enabled/default ] || rm /etc/nginx/sites-enabled/default
  nginx -t -q
fi

# --- starting it --------------------------------------------------------------------------------------------------------

if [ -d /etc/systemd/system ] || [ $systemd = yes ]; then
  install -d -m 0755 /etc/systemd/system
  install -m 0644 "$here"/deploy/systemd/merchant* /etc/systemd/system/
fi
if [ $systemd = yes ]; then
  step "starting"
  systemctl daemon-reload
  systemctl enable -q merchant merchant-worker merchant-backup.timer
  systemctl restart merchant-worker merchant
  systemctl start merchant-backup.timer
  if [ $nginx = yes ]; then
    systemctl enable -q nginx
    systemctl reload-or-restart nginx
  fi
  step "waiting until it is ready"
  # Where it listens: at one address only where MERCHANT_HOST names one.
  host=$(value "$etc/merchant.env" MERCHANT_HOST)
  case $host in '' | 0.0.0.0 | ::) host=127.0.0.1 ;; *:*) host="[$host]" ;; esac
  listen_port=$(value "$etc/merchant.env" MERCHANT_PORT)
  tries=0
  until "$current/bin/python" -c 'import sys, urllib.request as r; r.urlopen(f"http://{sys.argv[1]}/health/ready", timeout=2)' \
    "$host:${listen_port:-8000}" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || die "it does not get ready: journalctl -u merchant -u merchant-worker"
    sleep 0.5
  done
fi

# --- people, the first backup, and the verdict ---------------------------------------------------------------------------

if [ -n "$un_list" ]; then
  step "list of the United Nations: $($merchant lists put - --form un <"$un_list" | head -n 1)"
fi
if [ -n "$links" ]; then
  say "The first operator, $(printf '%s' "$operators" | head -n 1), makes their account here, once, within a day"
  say "(merchant user invite-first prints another link):"
  say "$links"
fi
people=$($merchant user list)
printf '%s' "$operators" | tail -n +2 | while IFS= read -r one; do
  name=${one%% <*} mail=${one##*<}
  printf '%s' "$people" | grep -qF "${mail%>}" ||
    $merchant user create --email "${mail%>}" --name "$name" --role hub_operator --print-link
done
if [ ! -f "$data/backup.json" ]; then
  if [ $systemd = yes ]; then systemctl start merchant-backup
  else $merchant backup "$backups/merchant-$(date -u +%Y-%m-%dT%H%M%SZ).tar" >/dev/null; fi
fi
# The two releases before this one stay, to be gone back to.
find "$releases" -mindepth 1 -maxdepth 1 ! -path "$release" -printf '%T@ %p\n' | sort -rn | tail -n +3 | cut -d ' ' -f 2- |
  while IFS= read -r old; do rm -rf "$old"; done

step "looking"
status=0
$merchant check || status=$?
say
[ ! -f /etc/ssl/merchant/self-signed ] ||
  say "The certificate is self-signed: run again with --certificate and --certificate-key."
say "Keep a copy of $data/secret.key apart from the backups in $backups: without it they cannot be read."
case $status in
  0) say "All is well; it took $(($(date +%s) - began)) s." ;;
  3) say "It runs, with the warnings above for people to mend; it took $(($(date +%s) - began)) s."; status=0 ;;
  *) say "merchant check found errors, above; it took $(($(date +%s) - began)) s." ;;
esac
exit $status
