package client

import (
	"slices"
	"testing"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// someone is a person as a service shows him, with a list of n versions.
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
