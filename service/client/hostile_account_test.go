package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// answerOf decodes a good answer of the service.
func answerOf[A any](t *testing.T, b []byte) (a A) {
	t.Helper()
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) account.Key {
	t.Helper()
	k, err := account.NewKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// another is a device that somebody would like to have in a list.
func another(t *testing.T) account.ListedDevice {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := account.NewID(nil)
	if err != nil {
		t.Fatal(err)
	}
	return account.ListedDevice{ID: n, Device: id.Public(), Added: 1}
}

// signed is the list after prev, by whoever has the key.
func signed(t *testing.T, k account.Key, prev account.DeviceList, all ...account.ListedDevice) account.DeviceList {
	t.Helper()
	l, err := k.NewDeviceList(prev, all)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// again signs all entries of a list from the beginning, up to a version.
func again(t *testing.T, k account.Key, version uint64, all ...account.ListedDevice) (l account.DeviceList) {
	t.Helper()
	for l.Version() < version {
		l = signed(t, k, l, all...)
	}
	return l
}

// A service that lies about the devices of the account is not believed, and
// nothing is signed on top of what it says.
func TestHostileDeviceList(t *testing.T) {
	m, out := hostile(t)
	anna, ben := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "ben@example.org", "Ben")
	tower := linked(t, m.running, anna)
	with := devicesOf(t, m, anna)
	if err := anna.RevokeDevice(t.Context(), tower.State().Device); err != nil {
		t.Fatal(err)
	}
	bens, now := devicesOf(t, m, ben), devicesOf(t, m, anna)
	key, mallorys := anna.Kept().Key, newKey(t)
	back := now.Devices()
	for i := range back {
		back[i].Revoked = false
	}
	bytes := now.Bytes()
	altered := slices.Clone(bytes)
	altered[len(altered)-1] ^= 1 // a device that was revoked
	puts := 0
	for what, list := range map[string]string{
		"a device that the service added":    b64(again(t, mallorys, now.Version()+1, append(now.Devices(), another(t))...).Bytes()),
		"altered":                            b64(altered),
		"cut":                                b64(bytes[:len(bytes)-1]),
		"older: the removed device is back":  b64(with.Bytes()),
		"of another account":                 b64(bens.Bytes()),
		"signed by another identity":         b64(again(t, mallorys, now.Version(), now.Devices()...).Bytes()),
		"another one of this version":        b64(again(t, key, now.Version(), now.Devices()...).Bytes()),
		"the next, but of another one":       b64(again(t, key, now.Version()+1, now.Devices()...).Bytes()),
		"far ahead: the removed device back": b64(again(t, key, now.Version()+5, back...).Bytes()),
		"far ahead: without an entry":        b64(again(t, key, now.Version()+5, now.Devices()[0]).Bytes()),
	} {
		m.trick(func(x *passing) bool {
			if x.path == account.PathDevicesPut {
				puts++
			}
			return false
		}, func(x *passing) {
			if x.path == account.PathDevices && x.status == http.StatusOK {
				x.answer = edit(t, x.answer, func(v map[string]any) { v["devices"] = list })
			}
		})
		if err := anna.Refresh(t.Context()); !errors.Is(err, client.ErrOwnList) && !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
		if err := anna.RevokeDevice(t.Context(), another(t).ID); err == nil || puts > 0 {
			t.Errorf("%s: signed on top of it: %v", what, err)
		}
		if n := len(anna.State().Devices); n != 1 {
			t.Errorf("%s: %d devices", what, n)
		}
	}
	// The person is told, until it is right again.
	m.answers(account.PathDevices, func(_, b []byte) []byte {
		return edit(t, b, func(v map[string]any) { v["devices"] = b64(with.Bytes()) })
	})
	if err := anna.SetName(t.Context(), "Ann"); !errors.Is(err, client.ErrOwnList) || !errors.Is(anna.State().Trouble, client.ErrOwnList) {
		t.Errorf("%v, and the person is told %v", err, anna.State().Trouble)
	}
	m.honest()
	if err := anna.Refresh(t.Context()); err != nil || anna.State().Trouble != nil {
		t.Errorf("%v, and the person is told %v", err, anna.State().Trouble)
	}

	// What else it says is about devices that are there, and about no others.
	m.answers(account.PathDevices, func(_, b []byte) []byte {
		return edit(t, b, func(v map[string]any) {
			info, _ := v["info"].([]any)
			kit := account.ID{7}
			v["info"] = append(info, map[string]any{"id": kit.String(), "label": "Kit", "last_day": 1, "current": true})
		})
	})
	if err := anna.Refresh(t.Context()); err != nil || len(anna.State().Devices) != 1 || anna.State().Devices[0].Label == "Kit" {
		t.Errorf("a kit poses as a device: %+v, %v", anna.State().Devices, err)
	}

	// It says that a device is removed, and it is not.
	m.honest()
	lost := linked(t, m.running, anna)
	m.trick(func(x *passing) bool {
		x.answer = []byte("{}")
		return x.path == account.PathDevicesPut
	}, nil)
	if err := anna.RevokeDevice(t.Context(), lost.State().Device); !errors.Is(err, client.ErrOwnList) {
		t.Error("a removal that did not happen:", err)
	}
}

// A contact is who they were when their key was pinned; else they are not called.
func TestHostileContacts(t *testing.T) {
	m, out := hostile(t)
	anna, ben, eve := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "ben@example.org", "Ben"), signUp(t, m.running, out, "eve@example.org", "Eve")
	befriend(t, anna, ben)
	l, err := anna.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := eve.Accept(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	anna.Until("two contacts", func(s client.AccountState) bool { return len(s.Contacts) == 2 })
	if err := anna.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	real := heard(t, m, account.PathContacts, func(c account.Contacts) bool { return len(c.Contacts) == 2 })
	at := slices.IndexFunc(real.Contacts, func(c account.Contact) bool { return c.Account == ben.Public() })
	bens, eves := real.Contacts[at], real.Contacts[1-at]
	mallorys := newKey(t)
	list := func(k account.Key, version uint64) account.DeviceList { return again(t, k, version, another(t)) }

	called := 0 // keys of somebody else that a call went to
	for _, c := range []struct {
		what    string
		change  func(*account.Contact)
		wall    bool // else it is another sort of nonsense, or harmless
		refused bool // the answer as a whole
	}{
		{what: "other keys", change: func(c *account.Contact) { c.Devices = list(mallorys, 1); c.Account = mallorys.Public() }, wall: true},
		{what: "other keys, newer", change: func(c *account.Contact) { c.Devices = list(mallorys, 9); c.Account = mallorys.Public() }, wall: true},
		{what: "devices by another key", change: func(c *account.Contact) { c.Devices = list(mallorys, 9) }, refused: true},
		{what: "another contact's keys", change: func(c *account.Contact) { c.Account, c.Devices = eves.Account, eves.Devices }, wall: true},
		{what: "two contacts swapped", change: func(c *account.Contact) { c.Handle = eves.Handle }, wall: true},
		{what: "another list of this version", change: func(c *account.Contact) { c.Devices = list(ben.Kept().Key, bens.Devices.Version()) }, wall: true},
		{what: "a made up contact", change: func(c *account.Contact) {
			c.Handle, c.Account, c.Devices = account.ID{9}, mallorys.Public(), list(mallorys, 1)
		}},
		{what: "another name", change: func(c *account.Contact) { c.Name = "Eve" }},
	} {
		m.honest()
		if err := anna.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.answers(account.PathContacts, func(_, _ []byte) []byte {
			is := bens
			c.change(&is)
			b, err := json.Marshal(account.Contacts{Contacts: []account.Contact{is}, Asks: []account.Ask{}})
			if err != nil {
				t.Error(err)
			}
			return b
		})
		err := anna.Refresh(t.Context())
		if c.refused != errors.Is(err, client.ErrUnavailable) || !c.refused && err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		for _, is := range anna.State().Contacts {
			pinned := is.Account == ben.Public() && is.Name == "Ben" || is.Account == eve.Public() && is.Name == "Eve"
			if !pinned || c.wall != (is.Standing == client.Changed) {
				t.Errorf("%s: %+v", c.what, is)
			}
			if !c.wall {
				continue
			}
			if err := anna.Ring(t.Context(), is.Handle, ringOnce(t, m.running), nil); !errors.Is(err, client.ErrChanged) {
				called++
				t.Errorf("%s: it rings: %v", c.what, err)
			}
			if err := anna.Verify(t.Context(), is.Handle, mallorys.Public()); err == nil {
				t.Errorf("%s: verified over the wall", c.what)
			}
		}
		if c.what == "another name" && contactOf(anna, ben.Public()).Says != "Eve" {
			t.Error("nobody is told that he calls himself something else")
		}
	}
	if called > 0 {
		t.Error("calls to others:", called)
	}

	// A new name is taken when this person says so.
	m.honest()
	if err := ben.SetName(t.Context(), "Benjamin"); err != nil {
		t.Fatal(err)
	}
	anna.Until("the new name, beside", func(client.AccountState) bool {
		c := contactOf(anna, ben.Public())
		return c.Name == "Ben" && c.Says == "Benjamin"
	})
	if err := anna.NameContact(t.Context(), contactOf(anna, ben.Public()).Handle, "Benjamin"); err != nil {
		t.Fatal(err)
	}
	if c := contactOf(anna, ben.Public()); c.Name != "Benjamin" || c.Says != "" || c.Standing != client.Verified {
		t.Errorf("%+v", c)
	}

	// A link again, with a list of before.
	tower := linked(t, m.running, ben)
	older := bens
	if err := anna.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard(t, m, account.PathContacts, func(all account.Contacts) bool {
		return slices.ContainsFunc(all.Contacts, func(c account.Contact) bool { return c.Devices.Has(identityOf(t, tower).Public()) })
	})
	if l, err = ben.Invite(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.answers(account.PathContactAccept, func(_, _ []byte) []byte {
		b, err := json.Marshal(account.ContactAccepted{Contact: older})
		if err != nil {
			t.Error(err)
		}
		return b
	})
	if _, err := anna.Accept(t.Context(), l); !errors.Is(err, client.ErrRollback) {
		t.Error("an older list by a new link:", err)
	}

	// The answer to a link is lost, and all that comes after: the contact is there
	// as soon as the service is.
	m.honest()
	cora := signUp(t, m.running, out, "cora@example.org", "Cora")
	if l, err = cora.Invite(t.Context()); err != nil {
		t.Fatal(err)
	}
	gone := false
	m.trick(nil, func(x *passing) {
		gone = gone || x.path == account.PathContactAccept
		x.lost = gone
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	_, err = anna.Accept(ctx, l)
	cancel()
	if err == nil {
		t.Error("nothing was lost")
	}
	m.honest()
	if err := anna.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := contactOf(anna, cora.Public()); c.Name != "Cora" || c.Standing != client.Verified {
		t.Errorf("after a lost answer: %+v", c)
	}

	// However often it says that a yes was not taken, it stands for one person.
	m.trick(func(x *passing) bool { return false }, nil)
	if err := anna.SetFindable(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	dora := signUp(t, m.running, out, "dora@example.org", "Dora")
	if err := dora.Ask(t.Context(), "anna@example.org"); err != nil {
		t.Fatal(err)
	}
	asks := anna.Until("the request", func(s client.AccountState) bool { return len(s.Asks) == 1 }).Asks
	lies := 3
	m.trick(nil, func(x *passing) {
		switch x.path {
		case account.PathVaultPut:
			if lies--; lies >= 0 {
				x.status, x.answer = http.StatusConflict, []byte(`{"error":"conflict"}`)
			}
		case account.PathContacts:
			all := answerOf[account.Contacts](t, x.answer)
			for i := range 5 {
				k := newKey(t)
				all.Contacts = append(all.Contacts, account.Contact{Handle: account.ID{9, byte(i)}, Name: "N", Account: k.Public(), Devices: list(k, 1)})
			}
			x.answer, _ = json.Marshal(all)
		}
	})
	if err := anna.Answer(t.Context(), asks[0].Handle, account.AnswerAccept); err != nil {
		t.Fatal(err)
	}
	if n := len(anna.State().Contacts); n != 4 {
		t.Errorf("%d contacts after one yes", n)
	}
}

// What another vault says is not believed, and nothing is written over it.
func TestHostileVault(t *testing.T) {
	m, out := hostile(t)
	anna, ben := signUp(t, m.running, out, "anna@example.org", "Anna"), signUp(t, m.running, out, "ben@example.org", "Ben")
	befriend(t, anna, ben)
	tower := linked(t, m.running, anna)
	old := vaultOf(t, m, anna)
	if err := anna.Ask(t.Context(), "carl@example.org"); err != nil {
		t.Fatal(err)
	}
	now, bens := vaultOf(t, m, anna), vaultOf(t, m, ben)
	flipped := slices.Clone(now.Blob)
	flipped[20] ^= 1
	puts := 0
	for what, v := range map[string]account.Vault{
		"none":                         {},
		"older":                        old,
		"older, as if it were newer":   {Version: now.Version + 1, Blob: old.Blob},
		"of another account":           {Version: now.Version, Blob: bens.Blob},
		"of another account, as newer": {Version: now.Version + 1, Blob: bens.Blob},
		"cut":                          {Version: now.Version, Blob: now.Blob[:len(now.Blob)-1]},
		"altered":                      {Version: now.Version, Blob: flipped},
		"another version":              {Version: now.Version + 7, Blob: now.Blob},
	} {
		m.trick(func(x *passing) bool {
			switch x.path {
			case account.PathVault:
				x.answer, _ = json.Marshal(v)
				return true
			case account.PathVaultPut:
				puts++
			}
			return false
		}, nil)
		if err := anna.Refresh(t.Context()); !errors.Is(err, client.ErrRollback) || !errors.Is(anna.State().Trouble, client.ErrRollback) {
			t.Errorf("%s: %v, and the person is told %v", what, err, anna.State().Trouble)
		}
		if _, err := anna.Invite(t.Context()); !errors.Is(err, client.ErrRollback) || puts > 0 {
			t.Errorf("%s: written over it: %v", what, err)
		}
		if c := anna.State().Contacts; len(c) != 1 || c[0].Standing != client.Verified {
			t.Errorf("%s: %+v", what, c)
		}
	}
	m.honest()
	if err := anna.Refresh(t.Context()); err != nil || anna.State().Trouble != nil {
		t.Errorf("%v, and the person is told %v", err, anna.State().Trouble)
	}

	// Two devices are led apart: each believes that its own is the newest.
	if err := tower.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var hers []byte
	m.trick(func(x *passing) bool {
		switch {
		case x.path == account.PathVaultPut:
			hers, x.answer = x.body, []byte("{}")
		case x.path == account.PathVault && hers != nil:
			x.answer = hers
		default:
			return false
		}
		return true
	}, nil)
	b := anna.State().Contacts[0].Handle
	if err := anna.NameContact(t.Context(), b, "Benno"); err != nil {
		t.Fatal(err)
	}
	m.honest()
	for _, name := range []account.Name{"Benny", "Bennie", "Benn"} { // of the same version, and after it
		if err := tower.NameContact(t.Context(), b, name); err != nil {
			t.Fatal(err)
		}
		if err := anna.Refresh(t.Context()); !errors.Is(err, client.ErrRollback) {
			t.Error("led apart:", err)
		}
	}
}
