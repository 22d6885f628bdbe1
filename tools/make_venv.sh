#!/bin/sh
# Make a virtual environment with a Python that Shopsight runs on.
# Usage: make_venv.sh FOLDER [PYTHON]
set -eu

folder=$1
asked=${2:-}
incomplete=

for python in ${asked:-python3.11 python3.12 python3.13 python3.14 python3 python}; do
  # A name found may still be too old, or a launcher for a version that is not there: only running it tells.
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
  if "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "Making $folder with $("$python" --version)"
    # --clear removes what an interrupted run left behind.
    "$python" -m venv --clear "$folder"
    exit 0
  fi
  incomplete=$python
done

if [ -n "$incomplete" ]; then
  version=$("$incomplete" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  echo "$incomplete cannot make virtual environments. On Debian or Ubuntu: apt install python$version-venv" >&2
elif [ -n "$asked" ]; then
  echo "$asked is not a working Python 3.11 or newer." >&2
else
  echo "No Python 3.11 or newer was found. Install one, or name it: make ... PYTHON=/path/to/python3.12" >&2
fi
exit 1
