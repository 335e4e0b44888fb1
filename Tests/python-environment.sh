#!/usr/bin/env bash
# Makes .venv with what the tests in Python need (Tests/requirements.txt), unless it is there and up to date.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv/bin/python
stamp=.venv/requirements.sha256
wanted=$(sha256sum <Tests/requirements.txt)

# Other requirements, an interpreter that has gone, or a move of the folder make a new environment. (A half-made one has no stamp.)
is_current() {
    [[ "$(cat "$stamp" 2>/dev/null)" == "$wanted $PWD" ]] && $python -c '' 2>/dev/null
}

if ! is_current; then
    rm -rf .venv
    python3 -m venv .venv
    $python -m pip install --quiet --disable-pip-version-check --root-user-action ignore --requirement Tests/requirements.txt
    echo "$wanted $PWD" >"$stamp"
fi
$python --version
