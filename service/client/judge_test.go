package client

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// someone is a person as a service shows them, with a list of n versions.
type someone struct {
	key   account.Key
	lists []account.DeviceList
}

func newSomeone(t *testing.T) someone {
	t.Helper()
	key, err := account.NewKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := someone{key: key}
	var all []account.ListedDevice
	var last account.DeviceList
	for range 3 {
		_, _, listed, err := newDevice("x")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, listed)
		if last, err = key.NewDeviceList(last, all); err != nil {
			t.Fatal(err)
		}
		s.lists = append(s.lists, last)
	}
	return s
}

func (s someone) shown(handle byte, version int) account.Contact {
	return account.Contact{Handle: account.ID{handle}, Name: "N", Account: s.key.Public(), Devices: s.lists[version-1]}
}

// What a hostile service says of contacts is held against what this person did.
func TestJudge(t *testing.T) {
	ben, eve, me := newSomeone(t), newSomeone(t), newSomeone(t)
	mine := me.key.Public()
	secret := account.Hash{7}
	v := contents{Pins: map[string]pin{}}

	judged := func(what string, c account.Contact, wanted bool, standing Standing) contact {
		t.Helper()
		is, _, ok := v.judge(mine, c)
		if ok != wanted || ok && is.standing != standing {
			t.Errorf("%s: %v, %v", what, ok, is.standing)
		}
		return is
	}
	judged("made up", eve.shown(1, 1), false, 0)

	v.Invites = []invitation{{ID: account.ID{1}, Secret: secret, Day: today()}}
	c := ben.shown(2, 2)
	c.Proof = account.ContactProof(wire.NewSecret([32]byte{8}), mine.Fingerprint(), ben.key.Public())
	judged("a proof with another secret", c, false, 0)
	c.Proof = account.ContactProof(wire.NewSecret(secret), mine.Fingerprint(), eve.key.Public())
	judged("a proof for another key", c, false, 0)
	c.Proof = account.ContactProof(wire.NewSecret(secret), mine.Fingerprint(), ben.key.Public())
	judged("by link", c, true, Verified)
	e := eve.shown(3, 1)
	e.Proof = account.ContactProof(wire.NewSecret(secret), mine.Fingerprint(), eve.key.Public())
	judged("by a link that was used", e, false, 0)

	judged("again", ben.shown(2, 2), true, Verified)
	judged("an older list", ben.shown(2, 1), true, Changed)
	judged("another key", eve.shown(2, 3), true, Changed)
	if is := judged("another key, newer", eve.shown(2, 3), true, Changed); is.devices.Version() != 0 || is.Account != ben.key.Public() {
		t.Error("devices of another key would be called")
	}
	if is := judged("a newer list", ben.shown(2, 3), true, Verified); len(is.devices.Active()) != 3 {
		t.Error("the newer list is not used")
	}
	judged("the list before", ben.shown(2, 2), true, Changed)

	// A vault of before did not pin names; what it lacks harms nobody.
	handle := account.ID{2}.String()
	p := v.Pins[handle]
	p.Name = ""
	v.Pins[handle] = p
	b, err := json.Marshal(v)
	if err == nil {
		v = contents{}
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	if is := judged("without a name", ben.shown(2, 3), true, Verified); is.Name != "N" || is.says != "" || v.Pins[handle].Name != "N" {
		t.Errorf("%q, says %q", is.Name, is.says)
	}

	v.Yes = []answered{{Handle: account.ID{1}, Day: today()}}
	judged("asked, accepted", eve.shown(4, 1), true, Unverified)
	judged("one yes, two people", eve.shown(5, 1), false, 0)
	v.Asked = []asked{{Email: "a@b.example", Day: today()}}
	judged("who was asked", ben.shown(6, 1), true, Unverified)
	if len(v.Asked)+len(v.Yes) != 0 {
		t.Error("what was used up is still there")
	}
}

// However much changes at once, nothing that changed is forgotten.
func TestNothingStaleIsForgotten(t *testing.T) {
	a := &Account{wake: make(chan struct{}, 1), stale: map[wire.What]bool{}}
	for range 100 {
		a.want(wire.ChangedContacts)
	}
	a.want(wire.ChangedDevices)
	<-a.wake
	if got := a.takeStale(); !slices.Equal(got, []wire.What{wire.ChangedContacts, wire.ChangedDevices}) {
		t.Error(got)
	}
	a.want(wire.ChangedDevices, wire.ChangedAccount) // which includes the devices
	<-a.wake
	if got := a.takeStale(); !slices.Equal(got, []wire.What{wire.ChangedAccount}) {
		t.Error(got)
	}
}

// Lists come in any order: of the contact, of before, forked by a thief who has
// the account's key, by others. What is taken is of the pinned key, never older,
// never with somebody who was revoked; and as long as only the real ones are
// shown, the newest is always taken.
func TestDeviceListWalk(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		key, other := account.KeyFromSeed([32]byte{1}), account.KeyFromSeed([32]byte{2})
		entry := func(b byte) account.ListedDevice {
			d, err := wire.ParseDevice(bytes.Repeat([]byte{b}, 64))
			if err != nil {
				r.Fatal(err)
			}
			return account.ListedDevice{ID: account.ID{b}, Device: d, Added: 1}
		}
		next := func(k account.Key, from account.DeviceList) account.DeviceList {
			all := from.Devices()
			if i := rapid.IntRange(0, len(all)).Draw(r, "revoke"); i < len(all)-1 {
				all[i].Revoked = true
			} else {
				all = append(all, entry(byte(len(all)+1)))
			}
			l, err := k.NewDeviceList(from, all)
			if err != nil {
				r.Fatal(err)
			}
			return l
		}
		var real, thiefs, others []account.DeviceList
		grow := func(k account.Key, lists []account.DeviceList, n int) []account.DeviceList {
			var last account.DeviceList
			if len(lists) > 0 {
				last = lists[len(lists)-1]
			}
			for range n {
				last = next(k, last)
				lists = append(lists, last)
			}
			return lists
		}
		real = grow(key, nil, rapid.IntRange(2, 8).Draw(r, "real"))
		thiefs = grow(key, slices.Clone(real[:rapid.IntRange(1, len(real)-1).Draw(r, "fork")]), rapid.IntRange(1, 6).Draw(r, "forked"))
		others = grow(other, nil, 4)
		hostile := rapid.Bool().Draw(r, "hostile")

		v := contents{Pins: map[string]pin{}, Yes: []answered{{Day: today()}}}
		show := func(l account.DeviceList) contact {
			is, _, wanted := v.judge(account.Public{}, account.Contact{Handle: account.ID{1}, Name: "N", Account: l.Account(), Devices: l})
			if !wanted {
				r.Fatal("the contact is gone")
			}
			return is
		}
		show(real[0])
		newest, gone := real[0], map[account.ID]bool{}
		for range 20 {
			pool := real
			if n := rapid.IntRange(0, 2).Draw(r, "whose"); hostile && n > 0 {
				pool = [][]account.DeviceList{thiefs, others}[n-1]
			}
			l := rapid.SampledFrom(pool).Draw(r, "list")
			is := show(l)
			if is.standing == Changed {
				if is.devices.Version() != 0 || is.Account != key.Public() {
					r.Fatal("devices behind the wall")
				}
				if !hostile && l.Version() >= newest.Version() {
					r.Fatalf("version %d after %d is refused", l.Version(), newest.Version())
				}
				continue
			}
			switch {
			case l.Account() != key.Public(), is.devices.Hash() != l.Hash():
				r.Fatal("a list of another key is taken")
			case l.Version() < newest.Version(), l.Version() == newest.Version() && l.Hash() != newest.Hash(),
				l.Version() == newest.Version()+1 && l.Prev() != newest.Hash():
				r.Fatalf("version %d is taken after %d", l.Version(), newest.Version())
			}
			for id := range gone {
				if d, ok := l.Find(id); !ok || !d.Revoked {
					r.Fatal("somebody who was revoked is back")
				}
			}
			for _, d := range l.Devices() {
				if d.Revoked {
					gone[d.ID] = true
				}
			}
			newest = l
		}
	})
}
