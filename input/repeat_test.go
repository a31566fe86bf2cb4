package input_test

import (
	"slices"
	"testing"

	"viewflip.app/input"
	"viewflip.app/input/inputtest"
	"viewflip.app/wire"
)

// pressed is what went down, in order.
func pressed(d *inputtest.Desk) (out []wire.Key) {
	for _, e := range d.Events() {
		if e.Kind == wire.KeyDown {
			out = append(out, e.Key)
		}
	}
	return out
}

func again(k wire.Key) wire.Input { return wire.Input{Kind: wire.KeyDown, Key: k, Repeat: true} }

// What repeats is the key that went down last, and no modifier.
func TestRepeats(t *testing.T) {
	g, d := newGate(t)
	for _, ev := range []wire.Input{
		key(wire.KeyDown, keyF1), again(keyF1), // 2
		key(wire.KeyDown, keyA), again(keyF1), again(keyA), // 4
		key(wire.KeyDown, keyShift), again(keyShift), again(keyA), // 6
		key(wire.KeyUp, keyA), again(keyF1), // 7: as it is the last one now
		key(wire.KeyDown, keyF1), // is down
	} {
		if v := g.Do(ev, control); !v.OK() {
			t.Errorf("%+v: %v", ev, v)
		}
	}
	want := []wire.Key{keyF1, keyF1, keyA, keyA, keyShift, keyA, keyF1}
	if got := pressed(d); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if d.Held() != 2 {
		t.Errorf("%d held", d.Held())
	}
}

// A repeat is refused where a press would be; the key stays down.
func TestRepeatIsAPress(t *testing.T) {
	for name, c := range map[string]struct {
		now func(*inputtest.Desk)
		why wire.Reason
	}{
		"somebody took the key":  {func(d *inputtest.Desk) { d.Own(keyF1) }, wire.KeyOwned},
		"the host holds Shift":   {func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.HostMods = wire.ModShift }) }, wire.HostBusy},
		"the chord is forbidden": {func(d *inputtest.Desk) { d.Set(func(s *input.State) { s.Mods = wire.ModCtrl | wire.ModAlt }) }, wire.KeyDenied},
	} {
		t.Run(name, func(t *testing.T) {
			g, d := newGate(t)
			if v := g.Do(key(wire.KeyDown, keyF1), control); !v.OK() {
				t.Fatal(v)
			}
			c.now(d)
			if v := g.Do(again(keyF1), control); v.Reason != c.why {
				t.Errorf("%v, want %v", v, c.why)
			}
			if n := len(pressed(d)); n != 1 || d.Held() != 1 {
				t.Errorf("%d presses, %d held", n, d.Held())
			}
		})
	}
}
