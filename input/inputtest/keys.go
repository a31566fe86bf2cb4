package inputtest

import (
	"testing"
	"time"

	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

func testKeys(t *testing.T, b *Bench) {
	b.Do(b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA"), b.Key(wire.KeyUp, "ShiftLeft"))
	got := b.await(4, world.KeyDown, world.KeyUp)
	want := []struct {
		kind  world.Kind
		key   string
		shift bool
	}{{world.KeyDown, "ShiftLeft", false}, {world.KeyDown, "KeyA", true}, {world.KeyUp, "KeyA", true}, {world.KeyUp, "ShiftLeft", true}}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		if e := got[i]; e.Kind != w.kind || e.Key != named(t, w.key) || (e.Mods&wire.ModShift != 0) != w.shift {
			t.Errorf("event %d: %+v, want %+v", i, e, w)
		}
	}
	b.Win.Forget()
	for _, dom := range []string{"MetaLeft", "PrintScreen"} {
		b.Refused(b.Key(wire.KeyDown, dom), wire.KeyDenied)
	}
	nothing(t, "the window", b.Win)
}

// A held key repeats while the viewer's does, and no longer than it is held.
func testRepeat(t *testing.T, b *Bench, pairs bool) {
	keyA := named(t, "KeyA")
	again := b.Key(wire.KeyDown, "KeyA")
	again.Repeat = true
	b.Do(b.Key(wire.KeyDown, "KeyA"))
	world.Eventually(t, "the repeats", func() bool {
		b.Do(again)
		time.Sleep(20 * time.Millisecond)
		return keys(b.Win.Events(), world.KeyDown, keyA) > 5
	})
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	b.until("the key to be let go", func(es []world.Event) bool {
		downs, ups := keys(es, world.KeyDown, keyA), keys(es, world.KeyUp, keyA)
		return downs == ups || !pairs && ups == 1
	})
	if es := received(b.Win, world.KeyDown, world.KeyUp); es[len(es)-1].Kind != world.KeyUp {
		t.Errorf("it repeats, and is not held: %+v", es)
	}
}

// A modifier that is held counts for every repeat, however long.
func testShiftedRepeat(t *testing.T, b *Bench) {
	shift, a := b.Key(wire.KeyDown, "ShiftLeft"), b.Key(wire.KeyDown, "KeyA")
	b.Do(shift, a)
	shift.Repeat, a.Repeat = true, true
	world.Eventually(t, "a second of repeats", func() bool {
		b.Do(shift, a) // still wanted
		var first, last time.Duration
		seen := false
		for _, e := range received(b.Win, world.KeyDown) {
			if e.Key != a.Key {
				continue
			}
			if !seen {
				first, seen = e.Time, true
			}
			if last = e.Time; e.Mods&wire.ModShift == 0 {
				t.Fatalf("%v after the first: %+v", last-first, e)
			}
		}
		time.Sleep(20 * time.Millisecond)
		return last-first > time.Second
	})
}

// A shortcut of somebody else is refused, in whichever order its keys are pressed;
// what belongs to nobody passes.
func testShortcuts(t *testing.T, b *Bench) {
	other := b.Neighbour()
	other.Forget()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"), b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"), b.Key(wire.KeyUp, "ControlLeft"))
	b.await(2, world.KeyUp)
	keyB := named(t, "KeyB")
	if n := keys(b.Win.Events(), world.KeyDown, keyB); n != 1 {
		t.Errorf("Ctrl+B arrived %d times", n)
	}
	free := b.HotKey(wire.ModCtrl, keyB)
	b.Win.Forget()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"))
	b.Refused(b.Key(wire.KeyDown, "KeyB"), wire.KeyOwned)
	b.Do(b.Key(wire.KeyUp, "ControlLeft"))
	b.await(1, world.KeyUp)
	if n := keys(b.Win.Events(), world.KeyDown, keyB); n != 0 {
		t.Errorf("what was refused arrived %d times", n)
	}
	b.Do(b.Key(wire.KeyDown, "KeyB")) // alone it is nobody's
	b.Refused(b.Key(wire.KeyDown, "ControlLeft"), wire.KeyOwned)
	b.Do(b.Key(wire.KeyUp, "KeyB"))
	free()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"), b.Key(wire.KeyDown, "KeyB"), b.Key(wire.KeyUp, "KeyB"), b.Key(wire.KeyUp, "ControlLeft"))
	b.until("both", func(es []world.Event) bool { return keys(es, world.KeyDown, keyB) == 2 })
	nothing(t, "the neighbour", other)
}

func testFocus(t *testing.T, b *Bench) {
	other := b.Neighbour()
	b.Run()
	b.Do(b.Key(wire.KeyDown, "ControlLeft"))
	other.Focus()
	world.Eventually(t, "Ctrl to be let go when the focus left", func() bool { return !other.Down(named(t, "ControlLeft")) })
	other.Forget()
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.NotFocused)
	b.Do(b.At(wire.Move, 20, 20)) // keys do not go where the pointer is
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.NotFocused)
	if got := received(b.Win, world.KeyDown); len(got) != 0 {
		t.Errorf("keys without focus: %+v", got)
	}
	nothing(t, "the focused window", other)
}

// With one keyboard for both, locks are the host's: what they type next, perhaps a
// password, must not be in capitals.
func testHostLocks(t *testing.T, b *Bench) {
	h := b.Host()
	before := h.State()
	b.Later(b.Key(wire.KeyDown, "KeyA"))
	b.Do(b.Key(wire.KeyUp, "KeyA"))
	b.Win.Forget()
	for _, k := range []string{"CapsLock", "NumLock"} {
		b.Refused(b.Key(wire.KeyDown, k), wire.KeyDenied)
		b.Do(b.Key(wire.KeyUp, k))
	}
	nothing(t, "the window", b.Win)
	if now := h.State(); now != before {
		t.Errorf("their locks were %+v and are %+v", before, now)
	}
}

func testHostMods(t *testing.T, b *Bench) {
	h := b.Host()
	ctrl := named(t, "ControlLeft")
	h.Key(ctrl, true)
	b.Win.Forget()
	b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy)
	b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	if got := received(b.Win, world.KeyDown, world.Press); keys(got, world.KeyDown, named(t, "KeyA")) != 0 || buttons(got, world.Press, wire.Left) != 0 {
		t.Errorf("got %+v", got)
	}
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		b.Refused(b.Key(wire.KeyDown, "KeyA"), wire.HostBusy) // also while their hand rests
		b.Refused(b.Button(wire.Press, 5, 5, wire.Left), wire.HostBusy)
	}
	h.Key(ctrl, false)
	b.Later(b.Key(wire.KeyDown, "ControlLeft"))
	b.Do(b.Key(wire.KeyDown, "KeyA"), b.Button(wire.Press, 5, 5, wire.Left))
}
