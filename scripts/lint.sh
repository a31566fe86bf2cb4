#!/usr/bin/env bash
# Formatting, file sizes, tidy modules, vet for the other operating systems, the
# lines that the rules of mutate-gate are about, and the linters of .golangci.yml, vet and staticcheck among them.
set -euo pipefail
max_lines=700
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.go')
bad=$(gofmt -l "${files[@]}")
[ -z "$bad" ] || { echo "gofmt: $bad" >&2; exit 1; }
long=$(wc -l "${files[@]}" | awk -v max=$max_lines '$2 != "total" && $1 > max')
[ -z "$long" ] || { printf 'over %d lines, split:\n%s\n' $max_lines "$long" >&2; exit 1; }
go mod tidy -diff
scripts/mutate-gate.sh --lines
# Packages that need cgo cannot be vetted for another system from here:
# the GUI toolkit, and what links it.
for os in windows darwin; do
	mapfile -t pkgs < <(GOOS=$os CGO_ENABLED=0 go list ./... | grep -vE '^viewflip\.app/(ui|cmd/viewflip|cmd/viewflip/internal/gui)$')
	GOOS=$os CGO_ENABLED=0 go vet "${pkgs[@]}"
done
go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run --allow-parallel-runners ./...
