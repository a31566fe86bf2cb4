# viewflip: make run, make test, make build, make lint. Nothing that is there
# already is installed, and no root is asked for then.
SHELL := /bin/bash
TAGS  := x11
# clang compiles the GL bindings ten times faster than gcc. It is looked for when
# a recipe begins, because the recipe before may have installed it.
export CC = $(shell command -v clang || command -v clang-14 || command -v gcc)
# The version is set below; a checkout owned by somebody else must build too.
export GOFLAGS += -buildvcs=false
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
CMDS := $(notdir $(wildcard cmd/*))

.PHONY: run build install test lint bench bench-service soak mix chaos fuzz prove mutate-gate wycheproof check clean build-deps test-deps

build: build-deps
	@mkdir -p bin
	@for c in $(CMDS); do echo "build bin/$$c"; go build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o bin/$$c ./cmd/$$c || exit 1; done

run: build
	@if bin/viewflip windows >/dev/null 2>&1; then exec bin/viewflip; fi; scripts/deps.sh demo && exec bin/viewflip demo

test: test-deps
	scripts/headless.sh go test -tags $(TAGS) -p 2 -timeout 15m ./...

lint: build-deps
	scripts/lint.sh

# First the whole path: two processes on two displays, seen from outside; ours
# and other programs.
BENCH := scripts/headless.sh go test -tags $(TAGS) -p 1 -run '^$$' -bench .
bench:
	@scripts/deps.sh bench
	$(BENCH) -benchtime 1x -timeout 25m ./cmd/viewflip
	$(BENCH) -benchtime 200ms -benchmem -timeout 25m $$(go list -tags $(TAGS) ./... | grep -v /cmd/)

# How long two processes share a scrolling terminal.
SOAK ?= 10m
soak: test-deps
	SOAK=$(SOAK) scripts/headless.sh go test -tags $(TAGS) -count=1 -run '^TestSoak$$' -v -timeout 0 ./cmd/viewflip

# The service on loopback under many devices: latency of signals, memory of a
# connection, logins, and what a flood of logins does to everybody else.
CONNECTIONS ?= 5000
bench-service: test-deps
	CONNECTIONS=$(CONNECTIONS) go test -tags $(TAGS) -run '^$$' -bench '^BenchmarkService$$' -benchtime 1x -timeout 25m ./cmd/viewflipd

# Kills the process that writes to the database, twenty times per engine; takes
# bus, database and disk from running services.
chaos: test-deps
	CHAOS=1 go test -tags $(TAGS) -count=1 -run '^TestKill$$' -v -timeout 15m ./service/store
	CHAOS=1 go test -tags $(TAGS) -count=1 -run '^TestChaos$$' -v -timeout 15m ./cmd/viewflipd

# The same time for mixed content on a network that loses packets and changes.
mix: test-deps
	SOAK=$(SOAK) go test -tags $(TAGS) -count=1 -run '^TestMix$$' -v -timeout 0 ./cmd/viewflip

fuzz: test-deps
	scripts/fuzz.sh

# Hostile input, under five window managers and to five programs: EVENTS in all,
# from a SEED.
EVENTS ?= 1000000
SEED ?= 1
prove:
	@scripts/deps.sh prove
	EVENTS=$(EVENTS) SEED=$(SEED) scripts/headless.sh go test -tags $(TAGS) -count=1 -run '^TestProve$$' -v -parallel 4 -timeout 0 ./input/xtest

# Every rule of the gate switched off in turn: some test must fail. RULES is a
# part of the name of a file or rule; all by default.
RULES ?=
mutate-gate: test-deps
	scripts/headless.sh scripts/mutate-gate.sh "$(RULES)"

# The vectors are a large download, so they are not part of the tests.
wycheproof: build-deps
	scripts/wycheproof.sh

check: lint test

# For this user: the programs, and the desktop entry that opens viewflip:// links.
PREFIX ?= $(HOME)/.local
install: build
	install -Dm755 -t $(DESTDIR)$(PREFIX)/bin bin/viewflip bin/viewflipd
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/applications cmd/viewflip/viewflip.desktop
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/icons/hicolor/scalable/apps ui/viewflip.svg
	@[ -n "$(DESTDIR)" ] || update-desktop-database -q $(PREFIX)/share/applications 2>/dev/null || true

clean:
	rm -rf bin

build-deps:
	@scripts/deps.sh build

test-deps:
	@scripts/deps.sh test
