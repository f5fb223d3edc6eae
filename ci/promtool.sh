#!/usr/bin/env bash
# The alerts of docs/operations on series on which they must fire and must not, and whether each expression of the dashboard parses.
# It takes promtool from Debian's package of Prometheus unless it is installed, and unpacks it under the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
. ci/debian.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}

if ! command -v promtool >/dev/null; then
    home=$(debian_root prometheus)
    if ! command -v apt-get >/dev/null; then
        echo "SKIPPED: neither promtool nor apt is here" >&2
        exit
    fi
    [ -d "$home" ] || unpack_debian "$home" prometheus >&2
    export PATH=$home/usr/bin:$PATH
fi
promtool --version 2>&1 | head -n 1

# Each expression as a rule of its own, with Grafana's variables as Grafana would fill them in.
rules=$CARGO_TARGET_DIR/dashboard-rules.yml
{
    printf 'groups:\n  - name: dashboard\n    rules:\n'
    sed -n 's/^ *"expr": "\(.*\)",$/\1/p' docs/operations/grafana-dashboard.json |
        sed 's/\\"/"/g; s/\$__rate_interval/1m/g; s/\$client/.*/g; s/\$job/.*/g' |
        awk '{gsub(/\047/, "\047\047"); printf "      - record: dashboard:%d\n        expr: \047%s\047\n", NR, $0}'
} >"$rules"
promtool check rules "$rules"
cd docs/operations
promtool check rules prometheus-rules.yml
promtool test rules prometheus-rules.test.yml
