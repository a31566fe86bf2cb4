#!/usr/bin/env bash
# Runs every fuzz target for a while (FUZZTIME, default 20s).
set -euo pipefail
for f in $(grep -rlE '^func Fuzz' --include='*_test.go' .); do
	for name in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$f"); do
		go test -tags x11 -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-20s}" "./$(dirname "$f")"
	done
done
