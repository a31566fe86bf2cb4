package account

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"viewflip.app/wire"
)

func device(t interface{ Fatal(...any) }, b byte) wire.Device {
	d, err := wire.ParseDevice(bytes.Repeat([]byte{b}, 64))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func listed(t interface{ Fatal(...any) }, b byte) ListedDevice {
	return ListedDevice{ID: ID{b}, Device: device(t, b), Added: uint32(b)}
}

// chain makes lists one after the other, each adding or revoking something.
func chain(t *rapid.T, key Key, n int) []DeviceList {
	var prev DeviceList
	lists := make([]DeviceList, 0, n)
	entries := []ListedDevice{}
	for i := range n {
		if len(entries) < 2 || rapid.Bool().Draw(t, "add") {
			entries = append(entries, listed(t, byte(len(entries)+1)))
		} else {
			entries[rapid.IntRange(0, len(entries)-2).Draw(t, "revoke")].Revoked = true
		}
		l, err := key.NewDeviceList(prev, entries)
		if err != nil {
			t.Fatalf("list %d: %v", i, err)
		}
		lists, prev = append(lists, l), l
	}
	return lists
}

// Of a chain, exactly the next list follows a list; a later one with all that
// stand between; an earlier one never.
func TestDeviceListChain(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	rapid.Check(t, func(t *rapid.T) {
		lists := chain(t, key, rapid.IntRange(2, 8).Draw(t, "lists"))
		from := rapid.IntRange(0, len(lists)-1).Draw(t, "from")
		to := rapid.IntRange(0, len(lists)-1).Draw(t, "to")
		parsed, err := ParseDeviceList(lists[to].Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var want error
		switch {
		case to < from:
			want = ErrRollback
		case to > from+1:
			want = ErrGap
			if err := parsed.Follows(lists[from], lists[from+1:to]...); err != nil {
				t.Fatalf("with all between: %v", err)
			}
			drop := rapid.IntRange(from+1, to-1).Draw(t, "drop")
			if err := parsed.Follows(lists[from], append(append([]DeviceList(nil), lists[from+1:drop]...), lists[drop+1:to]...)...); !errors.Is(err, ErrGap) {
				t.Fatalf("one between is missing: %v", err)
			}
		}
		if err := parsed.Follows(lists[from]); !errors.Is(err, want) {
			t.Fatalf("%d after %d: %v", to+1, from+1, err)
		}
		for _, d := range lists[from].Devices() {
			if is, ok := lists[len(lists)-1].Find(d.ID); !ok || is.Device != d.Device || d.Revoked && !is.Revoked {
				t.Fatal("an entry vanished, changed or came back")
			}
		}
	})
}

// The owner of the key can sign anything; a chain still only grows.
func TestDeviceListForks(t *testing.T) {
	key, other := KeyFromSeed([32]byte{1}), KeyFromSeed([32]byte{2})
	one, two := listed(t, 1), listed(t, 2)
	first, err := key.NewDeviceList(DeviceList{}, []ListedDevice{one})
	if err != nil {
		t.Fatal(err)
	}
	revoked := one
	revoked.Revoked = true
	second, err := key.NewDeviceList(first, []ListedDevice{revoked, two})
	if err != nil {
		t.Fatal(err)
	}
	swapped, late := revoked, revoked
	swapped.Device = device(t, 9)
	late.Added++
	for name, next := range map[string][]ListedDevice{
		"a revoked device is back": {one, two}, "a revoked device is gone": {two}, "another order": {two, revoked},
		"other keys": {swapped, two}, "another day": {late, two},
	} {
		if _, err := key.NewDeviceList(second, next); !errors.Is(err, ErrFork) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := other.NewDeviceList(second, second.Devices()); !errors.Is(err, ErrOtherAccount) {
		t.Error("another key:", err)
	}
	fork, err := key.NewDeviceList(first, []ListedDevice{one, two})
	if err != nil {
		t.Fatal(err)
	}
	if err := fork.Follows(second); !errors.Is(err, ErrFork) {
		t.Error("another list of the same version:", err)
	}
	third, err := key.NewDeviceList(fork, []ListedDevice{revoked, two})
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Follows(second); !errors.Is(err, ErrFork) {
		t.Error("a list after another one:", err)
	}
	if err := second.Follows(DeviceList{}); !errors.Is(err, ErrGap) {
		t.Error("a second list first:", err)
	}
	if err := second.Follows(second); err != nil {
		t.Error("the same list:", err)
	}
	if !second.Has(two.Device) || second.Has(one.Device) || len(second.Active()) != 1 {
		t.Error("revoked devices count")
	}
}

func TestDeviceListMalformed(t *testing.T) {
	key := KeyFromSeed([32]byte{1})
	l, err := key.NewDeviceList(DeviceList{}, []ListedDevice{listed(t, 1), listed(t, 2)})
	if err != nil {
		t.Fatal(err)
	}
	good := l.Bytes()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, err := ParseDeviceList(bad); err == nil {
			t.Fatalf("byte %d may be altered", i)
		}
		if _, err := ParseDeviceList(good[:i]); err == nil {
			t.Fatalf("%d bytes are a list", i)
		}
	}
	same, twin := listed(t, 1), listed(t, 2)
	same.Device, twin.ID = device(t, 3), ID{1}
	revoked := listed(t, 1)
	revoked.Revoked = true
	full, many := []ListedDevice{}, []ListedDevice{}
	for i := range MaxListed + 1 {
		d := listed(t, byte(i+1))
		d.Revoked = i >= MaxDevices
		full = append(full, d)
		d.Revoked = false
		many = append(many, d)
	}
	for name, devices := range map[string][]ListedDevice{
		"nobody": nil, "all revoked": {revoked}, "an id twice": {listed(t, 1), same}, "keys twice": {listed(t, 1), {ID: ID{2}, Device: device(t, 1)}},
		"id and keys twice": {listed(t, 1), twin, twin}, "the zero id": {{Device: device(t, 1)}}, "too many in use": many[:MaxDevices+1], "too many": full,
	} {
		if _, err := key.NewDeviceList(DeviceList{}, devices); err == nil {
			t.Error(name)
		}
	}
	if _, err := key.NewDeviceList(DeviceList{}, full[:MaxListed]); err != nil {
		t.Error("a full list:", err)
	}
	if _, err := ParseDeviceList(make([]byte, maxListSize+1)); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
}
