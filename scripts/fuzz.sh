#!/usr/bin/env bash
# Runs every fuzz target for a while (FUZZTIME, default 20s) with FUZZWORKERS
# (default: as many as there are processors).
set -euo pipefail
workers=()
[ -z "${FUZZWORKERS:-}" ] || workers=(-parallel "$FUZZWORKERS")
for f in $(grep -rlE '^func Fuzz' --include='*_test.go' . | sort); do
	for name in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p' "$f"); do
		# Making each new input small would take a minute of every one.
		go test -tags x11 -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-20s}" -fuzzminimizetime 10x "${workers[@]}" "./$(dirname "$f")"
	done
done
