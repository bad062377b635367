#!/bin/sh
# Installs the stand-in for Posit Package Manager on a lab host, as the vendor's package would: program, account, unit,
# configuration. No product data: that is made at first boot by seed.sh. Run as root; ROLE=source|target.
# DATA_DIR is the Server.DataDir written into the gcfg, PPM_VERSION the release that the host claims to run.
set -eu
role=${ROLE:?ROLE=source or target}
data=${DATA_DIR:-/srv/ppm/data}
here=$(cd "$(dirname "$0")" && pwd)
# The two hosts give the account different numbers, as separate installations do.
case $role in
  source) uid=961 gid=962 ;;
  target) uid=1871 gid=1872 ;;
  *) echo "ROLE=$role: source or target" >&2; exit 2 ;;
esac

getent group rstudio-pm >/dev/null || {
  while getent group "$gid" >/dev/null; do gid=$((gid - 1)); done
  groupadd --gid "$gid" rstudio-pm
}
getent passwd rstudio-pm >/dev/null || {
  while getent passwd "$uid" >/dev/null; do uid=$((uid - 1)); done
  useradd --uid "$uid" --gid rstudio-pm --no-create-home --home-dir "$data" --shell /usr/sbin/nologin rstudio-pm
}

install -d -m 0755 /opt/rstudio-pm /opt/rstudio-pm/bin /opt/rstudio-pm/lib/standin /etc/rstudio-pm
install -m 0755 "$here"/bin/* /opt/rstudio-pm/bin/
install -m 0644 "$here"/standin/*.py /opt/rstudio-pm/lib/standin/
python3 -m compileall -q /opt/rstudio-pm/lib
printf '%s\n' "${PPM_VERSION:-2026.04.1}" > /opt/rstudio-pm/VERSION
echo 'Lab stand-in written for rehost. Not the product of Posit, PBC.' > /opt/rstudio-pm/STAND-IN

# Interpreters are stand-ins too: they answer --version.
runtime() {
  install -d -m 0755 "$1/bin"
  printf '#!/bin/sh\necho "%s %s"\n' "$3" "$(basename "$1")" > "$1/bin/$2"
  chmod 0755 "$1/bin/$2"
}
runtime /opt/R/4.4.1 R 'R version'
if [ "$role" = source ]; then
  runtime /opt/python/3.11.9 python3 Python
else
  runtime /opt/R/4.5.1 R 'R version'
  runtime /opt/python/3.12.4 python3 Python
fi

PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/opt/rstudio-pm/lib python3 -m standin.render "$role" "$data"
chown rstudio-pm:rstudio-pm /etc/rstudio-pm/rstudio-pm.gcfg
chmod 0640 /etc/rstudio-pm/rstudio-pm.gcfg
install -d -m 0755 /var/log/rstudio
install -d -m 0750 -o rstudio-pm -g rstudio-pm /var/log/rstudio/rstudio-pm
install -m 0644 "$here"/units/*.service /etc/systemd/system/
systemctl enable rstudio-pm.service rehost-lab-upstream.service
