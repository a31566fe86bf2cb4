//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire"
)

// outage is how long something is gone: 60 s with CHAOS=1.
func outage() time.Duration {
	if n, err := strconv.Atoi(os.Getenv("CHAOS")); err == nil && n > 0 {
		return time.Minute
	}
	return 3 * time.Second
}

// While signals pass and people change what is stored, what the service stands
// on goes away and comes back: it says so, recovers by itself, and nothing that
// it acknowledged is lost.
func TestChaos(t *testing.T) {
	t.Run("nodes", chaosOfNodes)
	for name, small := range map[string]func(*testing.T, string) func(*process) func(){"disk": smallDisk, "limit": smallFiles} {
		t.Run(name, func(t *testing.T) { chaosOfDisk(t, small) })
	}
}

func chaosOfNodes(t *testing.T) {
	n := startNodes(t)
	anna := signUp(t, n.north, "anna@example.org", "Anna")
	ben := signUp(t, n.south, "ben@example.org", "Ben")
	carl := signUp(t, n.south, "carl@example.org", "Carl")
	if err := befriend(t, anna, ben); err != nil {
		t.Fatal(err)
	}
	contact(t, anna, wire.Online)
	near := startStream(t, n.south.service, n.south.service)
	far := startStream(t, n.north.service, n.south.service)
	names, others := startWriter(t, anna), startWriter(t, carl)
	names.writes()
	all := func(what string, ok func(*process) bool) {
		t.Helper()
		eventually(t, what, func() bool { return ok(n.north) && ok(n.south) })
	}

	// The bus is gone: each node goes on for its own.
	n.bus.kill()
	all("the nodes are not ready for lack of a bus", func(p *process) bool { return p.ready() == "bus" })
	gone := time.Now()
	if err := befriend(t, carl, ben); err != nil { // in one node, and stored
		t.Error("contacts without a bus:", err)
	}
	if err := ben.SetPresence(t.Context(), wire.Busy); err != nil {
		t.Error("presence without a bus:", err)
	}
	contact(t, carl, wire.Busy)
	for begun := true; begun || time.Since(gone) < outage(); begun = false {
		near.flows()
		names.writes()
		others.writes()
	}
	stuck := far.acknowledged()
	n.bus.start()
	all("the nodes are ready again", func(p *process) bool { return p.ready() == "ready" })
	eventually(t, "signals cross", func() bool { return far.acknowledged() > stuck })
	far.flows()
	contact(t, anna, wire.Busy) // what could not be told
	for what, level := range map[string]string{"message bus lost": "level=WARN", "message bus back": "level=INFO"} {
		for _, p := range []*process{n.north, n.south} {
			if c := p.log.count(level, what); c != 1 {
				t.Errorf("%q is logged %d times", what, c)
			}
		}
	}

	// The database is gone: signals pass as before, and nothing is said to be
	// stored that is not.
	n.db.Crash()
	all("the nodes are not ready for lack of a database", func(p *process) bool { return p.ready() == "database" })
	gone = time.Now()
	if err := names.fails(); !strings.Contains(err.Error(), "unavailable") && !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("a change without a database: %v", err)
	}
	if err := befriend(t, anna, carl); err == nil {
		t.Error("contacts without a database")
	}
	for begun := true; begun || time.Since(gone) < outage()/2; begun = false {
		near.flows()
		far.flows()
	}
	n.db.Start()
	all("the nodes are ready again", func(p *process) bool { return p.ready() == "ready" })
	names.writes()
	others.writes()
	if err := befriend(t, anna, carl); err != nil {
		t.Error("contacts after a restart of the database:", err)
	}
	if n.north.log.count("level=WARN", "a call failed", "cause=database") == 0 {
		t.Error("the log does not say that the database was gone")
	}

	// A client that connects meanwhile waits, and is there when all is.
	n.db.Crash()
	n.bus.kill()
	if err := ben.Stop(); err != nil {
		t.Error(err)
	}
	ben.At(n.south.service).Begin()
	near.flows()
	n.bus.start()
	all("the bus is back before the database", func(p *process) bool { return p.log.count("message bus back") == 2 })
	n.db.Start()
	all("the nodes are ready again", func(p *process) bool { return p.ready() == "ready" })
	online := func(s client.AccountState) bool {
		return len(s.Contacts) == 2 && s.Contacts[0].Presence == wire.Online && s.Contacts[1].Presence == wire.Online
	}
	for _, p := range []*person{anna, ben, carl} {
		p.Until("both contacts are there", online)
	}
	near.whole()
	far.whole()
	names.whole()
	others.whole()
	for _, p := range []*process{n.north, n.south} {
		if p.log.count("level=ERROR") > 0 {
			t.Error(p.log)
		}
	}
}

// smallDisk gives a directory a file system of its own; the function fills it
// up and gives another that makes room.
func smallDisk(t *testing.T, dir string) func(*process) func() {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m,mode=0700"); err != nil {
		t.Skip("only root may make a small file system:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return func(*process) func() {
		filler := filepath.Join(dir, "filler")
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		for size := 1 << 20; size > 0; size /= 2 {
			for err = nil; err == nil; {
				_, err = f.Write(make([]byte, size))
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		}
	}
}

// smallFiles limits the size of files instead, which needs no root.
func smallFiles(t *testing.T, _ string) func(*process) func() {
	t.Helper()
	limit := func(p *process, n string) {
		if out, err := exec.Command("prlimit", "--pid", fmt.Sprint(p.cmd.Process.Pid), "--fsize="+n+":").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return func(p *process) func() {
		limit(p, "4096")
		return func() { limit(p, "unlimited") }
	}
}

// The disk is full under a running service.
func chaosOfDisk(t *testing.T, small func(*testing.T, string) func(*process) func()) {
	t.Helper()
	dir := t.TempDir()
	fill := small(t, dir)
	p := startProcess(t, "--data", dir)
	anna := signUp(t, p, "anna@example.org", "Anna")
	ben := signUp(t, p, "ben@example.org", "Ben")
	if err := befriend(t, anna, ben); err != nil {
		t.Fatal(err)
	}
	signals, names := startStream(t, p.service, p.service), startWriter(t, anna)
	names.writes()
	room := fill(p)
	if err := names.fails(); err == nil || !strings.Contains(err.Error(), "unavailable") {
		t.Errorf("a change with a full disk: %v", err)
	}
	for gone := time.Now(); time.Since(gone) < outage()/4; {
		signals.flows()
	}
	if p.log.count("level=WARN", "a call failed", `cause="disk full"`) == 0 {
		t.Error("the log does not say that the disk is full:", p.log)
	}
	room()
	names.writes()
	contact(t, anna, wire.Online)
	// What is acknowledged survives a kill.
	names.stop()
	p.kill()
	p.args = append(p.args, "--listen", p.service.Addrs[0])
	p.start()
	contact(t, anna, wire.Online)
	names.whole()
	if c := contact(t, ben, wire.Online); c.Standing != client.Verified {
		t.Errorf("%+v", c)
	}
}
