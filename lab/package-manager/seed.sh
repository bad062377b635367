#!/bin/sh
# Makes the product's data on a lab host at its first boot; a second run finds it made. Run as root with the service stopped.
# ROLE=source|target, PACKAGES (stored packages, default 120), PACKAGE_BYTES (size of each, default 16384), SEED (any text).
set -eu
data_parent() {
  PYTHONPATH=/opt/rstudio-pm/lib python3 -B -c 'import os; from standin.config import Config; print(os.path.dirname(Config().data_dir))'
}
umask 022
mkdir -p "$(data_parent)"
exec env PYTHONPATH=/opt/rstudio-pm/lib python3 -B -m standin.seed
