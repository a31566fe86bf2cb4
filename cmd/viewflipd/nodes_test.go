//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// nodes are two processes of one service, on a PostgreSQL and a NATS.
type nodes struct {
	north, south *process
	bus          *messageBus
	db           *servicetest.Postgres
	first, other wire.Service // either node, the first one being north or south
}

func startNodes(t *testing.T) *nodes {
	t.Helper()
	n := &nodes{db: servicetest.StartPostgres(t), bus: startBus(t)}
	start := func(dir string) *process {
		return startProcess(t, "--data", dir, "--db", n.db.URL(), "--bus", "nats://"+n.bus.at, "--mail", "dev")
	}
	a, b := t.TempDir(), t.TempDir()
	n.north = start(a)
	for _, name := range []string{"service.pem", "master.key"} { // as the operator does
		key, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b, name), key, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.south = start(b)
	at := func(p, q *process) wire.Service {
		return wire.Service{Addrs: []string{p.service.Addrs[0], q.service.Addrs[0]}, Pin: p.service.Pin}
	}
	n.first, n.other = at(n.north, n.south), at(n.south, n.north)
	return n
}

// linked adds a device to the account of old, at a node.
func linked(t *testing.T, old *person, at wire.Service) *person {
	t.Helper()
	p := servicetest.NewPerson(t)
	j, err := client.StartJoin(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() { _, err := j.Wait(t.Context(), "Tower", "linux", p.Keep); got <- err }()
	code, err := account.ParseLinkCode(j.Code())
	if err != nil {
		t.Fatal(err)
	}
	w, err := old.Link(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Confirm(t.Context()), <-got); err != nil {
		t.Fatal(err)
	}
	return p.At(at).Connect()
}

// Two real processes are one service: for contacts, presence, rings and the end
// of a device. One is killed, and the other has everything.
func TestTwoProcesses(t *testing.T) {
	n := startNodes(t)
	anna := signUp(t, n.north, "anna@example.org", "Anna")
	ben := signUp(t, n.south, "ben@example.org", "Ben")
	if err := befriend(t, anna, ben); err != nil {
		t.Fatal(err)
	}
	ofBen := contact(t, anna, wire.Online)
	contact(t, ben, wire.Online)
	if err := ben.SetPresence(t.Context(), wire.Busy); err != nil {
		t.Fatal(err)
	}
	contact(t, anna, wire.Busy)

	// A ring.
	invite, err := account.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	link := wire.Link{Service: n.first, Invite: wire.InviteID(invite), Inviter: wire.Address{1}, Secret: wire.NewSecret([32]byte{2})}
	answered, rang := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { rang <- anna.Ring(ctx, ofBen.Handle, link, answered) }()
	ring := ben.Until("the ring", func(s client.AccountState) bool { return len(s.Rings) == 1 }).Rings[0]
	if ring.Link.String() != link.String() || ring.Contact.Name != "Anna" {
		t.Errorf("%+v", ring)
	}
	close(answered)
	if err := <-rang; err != nil {
		t.Error(err)
	}

	// A device that is revoked at one node is out at the other.
	tower := linked(t, anna, n.south.service)
	if err := anna.RevokeDevice(t.Context(), tower.State().Device); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	tower.Until("the end", func(s client.AccountState) bool { return !s.Online && s.Trouble != nil })
	t.Log("a revoked device was out at the other node after", time.Since(began))
	if err := tower.Stop(); !errors.Is(err, client.ErrDeviceRevoked) {
		t.Error("a revoked device:", err)
	}

	// One node dies while it is used.
	if err := anna.Stop(); err != nil {
		t.Fatal(err)
	}
	for anna.At(n.first).Connect(); n.north.metric("viewflip_accounts_here") != "1"; anna.At(n.first).Connect() { // a slow answer leads elsewhere
		if err := anna.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	ofAnna := contact(t, ben, wire.Online)
	across, back := startStream(t, n.first, n.south.service), startStream(t, n.south.service, n.south.service)
	names := startWriter(t, anna)
	names.writes()
	inviting, id, ctx, end := connect(t, n.first)
	defer end()
	call := wire.InviteID{7}
	if err := inviting.OpenInvite(ctx, call, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	n.north.kill()
	across.flows()
	back.flows()
	names.writes()
	contact(t, anna, wire.Busy)
	if err := anna.SetPresence(t.Context(), wire.Busy); err != nil {
		t.Fatal(err)
	}
	contact(t, ben, wire.Busy)
	names.whole()
	if is := anna.State().Contacts[0]; is.Standing != client.Verified || is.Account != ofBen.Account || ofAnna.Account != anna.Public() {
		t.Errorf("%+v", is)
	}
	looking, _, ctx, end2 := connect(t, n.south.service)
	defer end2()
	eventually(t, "the invitation of who came from the dead node", func() bool {
		d, err := looking.Lookup(ctx, call)
		return err == nil && d == id.Public()
	})
	if strings.Contains(n.south.log.String(), "level=ERROR") {
		t.Error(n.south.log)
	}
}
