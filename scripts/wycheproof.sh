#!/usr/bin/env bash
# Fetches the Wycheproof vectors (109 MB, by the Go proxy, into its cache) and
# runs them through the functions that wrap these primitives.
set -euo pipefail
cd "$(dirname "$0")/.."
vectors=github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a
# Outside of the module, so that it does not become a dependency.
dir=$(cd / && go mod download -json "$vectors" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
WYCHEPROOF=$dir/testvectors_v1 go test -count=1 -run '^TestWycheproof$' -v ./wire/account
