package client_test

import (
	"context"
	"errors"
	"testing"

	"viewflip.app/service/client"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func identityOf(t *testing.T, p *person) *wire.Identity {
	t.Helper()
	id, err := p.Kept().PassKey.Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealed(t *testing.T, from *wire.Identity, to wire.Device, s wire.Signal) []byte {
	t.Helper()
	b, err := wire.Seal(from, to, wire.Envelope{Body: s})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// contactOf is how p sees another account.
func contactOf(p *person, of account.Public) client.Contact {
	for _, c := range p.State().Contacts {
		if c.Account == of {
			return c
		}
	}
	return client.Contact{}
}

// settle waits until to has read all that was sent to them before, and from has
// answered all that to asked because of it: a real ring comes after both.
func settle(t *testing.T, m *mallory, from, to *person) {
	t.Helper()
	l := ringOnce(t, m.running)
	ctx, cancel := context.WithCancel(t.Context())
	rang := make(chan error, 1)
	go func() { rang <- from.Ring(ctx, contactOf(from, to.Public()).Handle, l, nil) }()
	has := func(s client.AccountState) bool {
		for _, r := range s.Rings {
			if r.Link.Invite == l.Invite {
				return true
			}
		}
		return false
	}
	to.Until("a real ring", has)
	cancel()
	if err := <-rang; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	to.Until("its end", func(s client.AccountState) bool { return !has(s) })
}

// alive is a thief with the key of a device: they say that they ring, whoever asks.
func alive(t *testing.T, m *mallory, id *wire.Identity) *device {
	t.Helper()
	d := newDevice(t, m.Service, id)
	go func() {
		for {
			got, err := d.Recv(t.Context())
			if err != nil {
				return
			}
			from, e, err := wire.OpenKnock(id, got.Sealed)
			if c, ok := e.Body.(wire.RingCheck); err == nil && ok {
				if c.Alive {
					t.Error("somebody else learns that it rings")
				}
				c.Device, c.Alive = id.Public(), true
				if b, err := wire.Seal(id, from, wire.Envelope{Body: c}); err == nil {
					_ = d.Send(t.Context(), from.Address(), b)
				}
			}
		}
	}()
	d.await(t, client.Connected)
	return d
}

// Whatever the service delivers, only a contact who calls now rings, and only
// who was called says no.
func TestHostileRings(t *testing.T) {
	m, out := hostile(t)
	anna, ben, eve := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "ben@example.org", "Ben"), signUp(t, m.running, out, "eve@example.org", "Eve")
	befriend(t, anna, ben)
	l, err := ben.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eve.Accept(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	ben.Until("two contacts", func(s client.AccountState) bool { return len(s.Contacts) == 2 })
	if l, err = anna.Invite(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := eve.Accept(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	anna.Until("two contacts", func(s client.AccountState) bool { return len(s.Contacts) == 2 })

	tower := linked(t, m.running, anna)
	thief := identityOf(t, tower)
	settle(t, m, anna, ben) // they know her newest list, see Ring
	if err := anna.RevokeDevice(t.Context(), tower.State().Device); err != nil {
		t.Fatal(err)
	}
	tower.Until("the end", func(s client.AccountState) bool { return !s.Online && s.Trouble != nil })
	if err := tower.Stop(); !errors.Is(err, client.ErrDeviceRevoked) {
		t.Fatal(err)
	}
	if err := ben.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}

	ofAnna, ofBen, ofEve := identityOf(t, anna), identityOf(t, ben), identityOf(t, eve)
	to := ofBen.Public()
	stranger, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	postman := alive(t, m, stranger)
	alive(t, m, thief)
	mail := func(to wire.Device, b []byte) {
		t.Helper()
		if err := postman.Send(soon(t), to.Address(), b); err != nil {
			t.Fatal(err)
		}
	}
	ring := func(by wire.Device, l wire.Link) wire.Ring { return wire.Ring{Device: by, Link: l, Name: "Anna"} }

	current := ringOnce(t, m.running)
	answered, rang := make(chan struct{}), make(chan error, 1)
	go func() { rang <- anna.Ring(t.Context(), contactOf(anna, ben.Public()).Handle, current, answered) }()
	ben.Until("the ring", func(s client.AccountState) bool { return len(s.Rings) == 1 })
	for what, b := range map[string][]byte{
		"of a stranger":                    sealed(t, stranger, to, ring(stranger.Public(), ringOnce(t, m.running))),
		"in the name of a contact":         sealed(t, stranger, to, ring(ofAnna.Public(), ringOnce(t, m.running))),
		"of a contact, in another's name":  sealed(t, ofEve, to, ring(ofAnna.Public(), ringOnce(t, m.running))),
		"kept, of another call":            sealed(t, ofAnna, to, ring(ofAnna.Public(), ringOnce(t, m.running))),
		"to another device":                sealed(t, ofAnna, ofEve.Public(), ring(ofAnna.Public(), ringOnce(t, m.running))),
		"of a device that was revoked":     sealed(t, thief, to, ring(thief.Public(), ringOnce(t, m.running))),
		"the same again":                   sealed(t, ofAnna, to, ring(ofAnna.Public(), current)),
		"an answer that nobody asked for":  sealed(t, ofAnna, to, wire.RingCheck{Device: ofAnna.Public(), Invite: wire.InviteID{1}, Alive: true}),
		"an end by somebody else":          sealed(t, ofEve, to, wire.RingEnd{Device: ofEve.Public(), Invite: current.Invite, Reason: wire.RingAnswered}),
		"an end by a revoked device":       sealed(t, thief, to, wire.RingEnd{Device: thief.Public(), Invite: current.Invite, Reason: wire.RingCancelled}),
		"an end of another call":           sealed(t, ofAnna, to, wire.RingEnd{Device: ofAnna.Public(), Invite: wire.InviteID{1}, Reason: wire.RingCancelled}),
		"noise":                            []byte("noise"),
		"a signal that has no place there": sealed(t, ofAnna, to, wire.Candidate{Line: "x"}),
	} {
		mail(to, b)
		settle(t, m, anna, ben)
		if r := ben.State().Rings; len(r) != 1 || r[0].Link.Invite != current.Invite {
			t.Errorf("%s: %d rings", what, len(r))
		}
	}

	// Who was not called cannot say no, and does not learn whether it rings.
	mail(ofAnna.Public(), sealed(t, stranger, ofAnna.Public(), wire.RingCheck{Device: stranger.Public(), Invite: current.Invite, Nonce: [16]byte{1}}))
	mail(ofAnna.Public(), sealed(t, ofEve, ofAnna.Public(), wire.RingEnd{Device: ofEve.Public(), Invite: current.Invite, Reason: wire.RingDeclined}))
	mail(ofAnna.Public(), sealed(t, ofBen, ofAnna.Public(), wire.RingEnd{Device: to, Invite: current.Invite, Reason: wire.RingAnswered}))
	settle(t, m, ben, anna)
	select {
	case err := <-rang:
		t.Fatal("it does not ring any more:", err)
	default:
	}
	ben.Answered(current.Invite)
	close(answered)
	if err := <-rang; err != nil {
		t.Error(err)
	}

	// Kept and delivered later, to who remembers nothing: they were restarted.
	late := sealed(t, ofAnna, to, ring(ofAnna.Public(), current))
	for range 2 {
		mail(to, late)
		settle(t, m, anna, ben)
		if n := len(ben.State().Rings); n != 0 {
			t.Errorf("%d rings of yesterday", n)
		}
		if err := ben.Stop(); err != nil {
			t.Error(err)
		}
		ben.Connect()
		ben.Until("the contacts", func(s client.AccountState) bool { return len(s.Contacts) == 2 })
		anna.Until("Ben is back", func(client.AccountState) bool { return contactOf(anna, ben.Public()).Presence == wire.Online })
	}
}
