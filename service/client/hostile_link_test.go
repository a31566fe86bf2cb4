package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"viewflip.app/service/client"
	"viewflip.app/service/servicetest"
	"viewflip.app/service/srp"
	"viewflip.app/wire/account"
)

// joining is a new device that waits.
type joining struct {
	*client.Joining
	got   chan error
	saved chan account.Credentials
}

func joins(t *testing.T, m *mallory) joining {
	t.Helper()
	j, err := client.StartJoin(t.Context(), m.Service)
	if err != nil {
		t.Fatal(err)
	}
	out := joining{j, make(chan error, 1), make(chan account.Credentials, 1)}
	out.wait(t)
	return out
}

func (j joining) wait(t *testing.T) {
	t.Helper()
	go func() {
		_, err := j.Wait(t.Context(), "Tower", "linux", func(_ context.Context, c account.Credentials) error { j.saved <- c; return nil })
		j.got <- err
	}()
}

func (j joining) typed(t *testing.T) account.LinkCode {
	t.Helper()
	c, err := account.ParseLinkCode(j.Code())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// messages changes a message of the slot on its way to whoever waits for it.
func messages(t *testing.T, seq uint8, change func(account.LinkBlob) account.LinkBlob) func(*passing) {
	t.Helper()
	return func(x *passing) {
		if x.path != account.PathLinkGet || x.status != http.StatusOK {
			return
		}
		all := answerOf[account.LinkMessages](t, x.answer)
		for i, msg := range all.Messages {
			if msg.Seq == seq {
				all.Messages[i].Blob = change(slices.Clone(msg.Blob))
			}
		}
		x.answer, _ = json.Marshal(all)
	}
}

// A service in the middle of two devices that meet adds no device of its own,
// and gives none away; it may guess the code once.
func TestHostileLinking(t *testing.T) {
	m, out := hostile(t)
	anna, eve := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "eve@example.org", "Eve")
	flip := func(b account.LinkBlob) account.LinkBlob { b[len(b)/2] ^= 1; return b }
	guess := code(t, "0000 1234 5678")
	mine, err := srp.NewClient(guess.SRPID(), guess.Password(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept account.LinkBlob // a request of another linking
	first := joins(t, m)
	m.trick(nil, messages(t, 5, func(b account.LinkBlob) account.LinkBlob { kept = b; return b }))
	w, err := anna.Link(t.Context(), first.typed(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-first.got; !errors.Is(err, client.ErrLinking) {
		t.Fatal(err)
	}

	for what, change := range map[string]func(*passing){
		"the new device's first words":          messages(t, 1, flip),
		"words of its own, with a guessed code": messages(t, 1, func(account.LinkBlob) account.LinkBlob { return account.LinkHello{A: mine.A()}.Blob() }),
		"the old device's offer":                messages(t, 2, flip),
		"an offer with a guessed code": messages(t, 2, func(account.LinkBlob) account.LinkBlob {
			s, err := srp.NewServer(guess.SRPID(), account.Salt{1}, srp.Verifier(guess.SRPID(), guess.Password(), account.Salt{1}), mine.A(), nil)
			if err != nil {
				t.Error(err)
			}
			return account.LinkOffer{Salt: account.Salt{1}, B: s.B()}.Blob()
		}),
		"the proof":                           messages(t, 3, flip),
		"the other proof":                     messages(t, 4, flip),
		"the new device's keys":               messages(t, 5, flip),
		"the new device, by one of before":    messages(t, 5, func(account.LinkBlob) account.LinkBlob { return slices.Clone(kept) }),
		"an old device's words as a new ones": messages(t, 5, func(account.LinkBlob) account.LinkBlob { return account.LinkRefused() }),
	} {
		m.honest()
		j := joins(t, m)
		m.trick(nil, change)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := anna.Link(ctx, j.typed(t))
		m.honest()
		if err == nil {
			t.Errorf("%s: a device was shown that does not wait there", what)
		} else if !errors.Is(err, client.ErrLinking) {
			t.Errorf("%s: %v", what, err)
		}
		cancel()
		select {
		case <-j.saved:
			t.Errorf("%s: the new device has credentials", what)
		default:
		}
	}

	// Two devices wait; the old one of one person is led to the new one of another.
	var places []account.LinkOpened
	m.trick(func(x *passing) bool {
		for i, p := range places {
			if strings.Contains(string(x.body), p.Ticket.String()) && len(places) == 2 {
				x.body = edit(t, x.body, func(v map[string]any) {
					v["slot"], v["ticket"] = string(places[1-i].Slot), places[1-i].Ticket.String()
				})
				break
			}
		}
		return false
	}, func(x *passing) {
		if x.path == account.PathLinkOpen {
			places = append(places, answerOf[account.LinkOpened](t, x.answer))
		}
	})
	open := func() joining { // it does nothing before both are there
		j, err := client.StartJoin(t.Context(), m.Service)
		if err != nil {
			t.Fatal(err)
		}
		return joining{j, make(chan error, 1), make(chan account.Credentials, 1)}
	}
	hers, eves := open(), open()
	hers.wait(t)
	eves.wait(t)
	if _, err := eve.Link(t.Context(), eves.typed(t)); !errors.Is(err, client.ErrLinking) {
		t.Error("led to another:", err)
	}
	if err := <-hers.got; !errors.Is(err, client.ErrLinking) {
		t.Error("met by another:", err)
	}
	m.honest()

	// The account's key is altered on the way, or comes from before.
	j := joins(t, m)
	m.trick(nil, messages(t, 6, flip))
	if w, err = anna.Link(t.Context(), j.typed(t)); err != nil {
		t.Fatal(err)
	}
	if err := w.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-j.got; !errors.Is(err, client.ErrLinking) || len(j.saved) > 0 {
		t.Error("an altered key:", err)
	}
	for _, p := range []*person{anna, eve} {
		m.honest()
		if err := p.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := 1
		if p == anna {
			want = 2 // it was confirmed; she sees it and can remove it
		}
		if n := len(p.State().Devices); n != want {
			t.Errorf("%d devices", n)
		}
	}

	// The list with the new device is acknowledged, and not kept.
	j = joins(t, m)
	if w, err = anna.Link(t.Context(), j.typed(t)); err != nil {
		t.Fatal(err)
	}
	m.trick(func(x *passing) bool { x.answer = []byte("{}"); return x.path == account.PathDevicesPut }, nil)
	if err := w.Confirm(t.Context()); !errors.Is(err, client.ErrOwnList) {
		t.Error(err)
	}
	m.honest()
	if err := w.Refuse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-j.got; !errors.Is(err, client.ErrLinking) || len(j.saved) > 0 {
		t.Error("the key of an account that it is not in:", err)
	}
}

func code(t *testing.T, s string) account.LinkCode {
	t.Helper()
	c, err := account.ParseLinkCode(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A kit restores the account whose kit it is, and nothing else.
func TestHostileRecovery(t *testing.T) {
	m, out := hostile(t)
	anna, ben := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "ben@example.org", "Ben")
	befriend(t, anna, ben)
	kit, err := anna.MakeKit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := account.NewKit(nil)
	if err != nil {
		t.Fatal(err)
	}
	vault, err := json.Marshal(vaultOf(t, m, ben))
	if err != nil {
		t.Fatal(err)
	}
	bens := devicesOf(t, m, ben)
	mallorys := newKey(t)
	sealed := func(k account.SealedKey) func(_, b []byte) []byte {
		return func(_, _ []byte) []byte { b, _ := json.Marshal(account.RecoverySealed{Sealed: k}); return b }
	}
	for what, with := range map[string]func(_, b []byte) []byte{
		"a key under another kit": sealed(other.Seal(ben.Kept().Key)),
		"an altered key":          sealed(func() account.SealedKey { k := kit.Seal(mallorys); k[3] ^= 1; return k }()),
	} {
		m.answers(account.PathRecovery, with)
		if _, err := client.StartRecovery(t.Context(), m.Service, kit); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	nothing := func(context.Context, account.Credentials) error {
		t.Error("credentials of another account")
		return nil
	}
	m.honest()
	r, err := client.StartRecovery(t.Context(), m.Service, kit)
	if err != nil {
		t.Fatal(err)
	}
	m.answers(account.PathDevices, func(_, b []byte) []byte {
		return edit(t, b, func(v map[string]any) { v["devices"] = b64(bens.Bytes()) })
	})
	if _, err := r.Finish(t.Context(), mailed(t, out, "anna@example.org"), "New", nothing); !errors.Is(err, client.ErrOwnList) {
		t.Error("another account's devices:", err)
	}
	m.honest()
	r, err = client.StartRecovery(t.Context(), m.Service, kit)
	if err != nil {
		t.Fatal(err)
	}
	p := servicetest.NewPerson(t)
	if _, err := r.Finish(t.Context(), mailed(t, out, "anna@example.org"), "New", p.Keep); err != nil {
		t.Fatal(err)
	}
	a := cold(t, p)
	// A vault of somebody else, and then none: no contact is believed in.
	m.answers(account.PathVault, func(_, _ []byte) []byte { return vault })
	if err := a.Refresh(t.Context()); !errors.Is(err, client.ErrRollback) || len(a.State().Contacts) > 0 {
		t.Errorf("%+v, %v", a.State().Contacts, err)
	}
	m.answers(account.PathVault, func(_, _ []byte) []byte { return []byte(`{"version":0}`) })
	if err := a.Refresh(t.Context()); err != nil || len(a.State().Contacts) > 0 {
		t.Errorf("%+v, %v", a.State().Contacts, err)
	}
	m.honest()
	if err := a.Refresh(t.Context()); err != nil || len(a.State().Contacts) != 1 || a.State().Contacts[0].Standing != client.Verified {
		t.Errorf("%+v, %v", a.State().Contacts, err)
	}
}
