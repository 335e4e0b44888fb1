#!/bin/sh
# Starts `viaduct` with the container's arguments; `serve` takes a mounted configuration file by itself.
set -eu

config=/etc/viaduct/viaduct.yaml
data=${VIADUCT_DATA_FOLDER:-/var/lib/viaduct/data}

if [ "${1:-serve}" = serve ]; then
    if ! mkdir -p "$data" || ! [ -w "$data" ]; then
        echo "viaduct: $data cannot be written by user $(id -u): change the volume's owner." >&2
        exit 1
    fi
    if [ -r "$config" ]; then
        [ $# -eq 0 ] || shift
        set -- serve --config "$config" "$@"
    fi
fi
exec /opt/viaduct/viaduct "$@"
