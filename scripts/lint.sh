#!/usr/bin/env bash
# Formatting, vet for three operating systems, tidy modules, and staticcheck.
set -euo pipefail
tags=x11
bad=$(gofmt -l $(git ls-files '*.go'))
[ -z "$bad" ] || { echo "gofmt: $bad" >&2; exit 1; }
go mod tidy -diff
go vet -tags $tags ./...
# Packages that need cgo cannot be vetted for another system from here:
# the GUI toolkit, and the program that links it.
for os in windows darwin; do
	mapfile -t pkgs < <(GOOS=$os CGO_ENABLED=0 go list ./... | grep -vE '^viewflip\.app/(ui|cmd/viewflip)$')
	GOOS=$os CGO_ENABLED=0 go vet "${pkgs[@]}"
done
# ui is being built and not wired yet: parts of it are unused still.
go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 -tags $tags $(go list -tags $tags ./... | grep -v '/ui')
