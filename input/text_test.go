package input_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/input"
	"viewflip.app/wire"
)

// types makes a KeyDown that says what it types.
func types(k wire.Key, r rune) wire.Input {
	return wire.Input{Kind: wire.KeyDown, Key: k, Rune: r}
}

// A key that this machine's layout types elsewhere is held there and let go
// there; the deny list knows it by what goes down.
func TestKeyElsewhere(t *testing.T) {
	g, d := newGate(t)
	d.Type(map[wire.Key]rune{keyA: 'q', keyTab: 'a'})
	if v := g.Do(types(keyA, 'a'), control); !v.OK() || d.Held() != 1 {
		t.Fatal(v, d.Held())
	}
	if e := d.Events(); len(e) != 1 || e[0].Kind != wire.KeyDown || e[0].Key != keyA || e[0].Stroke.Key != keyTab {
		t.Error(e)
	}
	if v := g.Do(key(wire.KeyDown, keyAlt), control); v.Reason != wire.KeyDenied {
		t.Error("Alt with what is Tab here:", v)
	}
	if v := g.Do(key(wire.KeyUp, keyA), control); !v.OK() || d.Held() != 0 {
		t.Error(v, d.Held())
	}
	d.Own(keyTab)
	if v := g.Do(types(keyA, 'a'), control); v.Reason != wire.KeyOwned {
		t.Error("somebody's shortcut:", v)
	}
	d.Own()
	for _, k := range []wire.Key{keyAlt, keyA} {
		if v := g.Do(types(k, 0), control); !v.OK() {
			t.Error(v)
		}
	}
	if v := g.Do(types(0x05, 'a'), control); v.Reason != wire.KeyDenied {
		t.Error("what is Tab here, with Alt:", v)
	}
}

// What no key types is tapped, again by each repeat that says what, and nothing
// is held.
func TestTap(t *testing.T) {
	g, d := newGate(t)
	d.Type(map[wire.Key]rune{keyA: 'a'})
	refresh, repeat := types(keyA, 0), types(keyA, 'я')
	refresh.Repeat, repeat.Repeat = true, true
	for i, c := range []struct {
		ev   wire.Input
		taps int
	}{
		{refresh, 0}, {types(keyA, 'я'), 1}, {refresh, 0}, {repeat, 1}, {repeat, 1}, {key(wire.KeyUp, keyA), 0}, {refresh, 0},
		{wire.Input{Kind: wire.Text, Text: "日本a"}, 3},
	} {
		if v := g.Do(c.ev, control); !v.OK() {
			t.Fatal(i, v)
		}
		e := d.Events()
		for _, e := range e {
			if e.Kind != wire.Text || !e.Stroke.Tap || e.Stroke.Rune == 0 {
				t.Errorf("%d: %+v", i, e)
			}
		}
		if len(e) != c.taps || d.Held() != 0 {
			t.Errorf("%d: %d taps, %d held: %v", i, len(e), d.Held(), e)
		}
	}
}

// A long text of characters for each of which a keycode must rest keeps whoever
// hands events on no longer than a second; other calls go on meanwhile, and the
// end of control ends it at once.
func TestTextWaitsNotLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, d := newGate(t)
		d.Rest(400 * time.Millisecond)
		text := wire.Input{Kind: wire.Text, Text: strings.Repeat("日", wire.MaxText/3)}
		began := time.Now()
		done := make(chan input.Verdict)
		go func() { done <- g.Do(text, control) }()
		synctest.Wait()
		if v := g.Do(key(wire.KeyDown, keyA), control); !v.OK() || time.Since(began) > 0 {
			t.Error("another event waited:", v, time.Since(began))
		}
		if v := <-done; v.Reason != wire.RateLimited || time.Since(began) > 1100*time.Millisecond {
			t.Error(v, time.Since(began))
		}
		if n := len(d.Events()); n != 1+3 { // the key, and at 0, 0.4 and 0.8 s
			t.Errorf("%d events", n)
		}
		began = time.Now()
		go func() { done <- g.Do(text, control) }()
		synctest.Wait()
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if v := <-done; v.Reason != wire.NoRight || time.Since(began) > 50*time.Millisecond {
			t.Error("after the end of control:", v, time.Since(began))
		}
	})
}

// Every rule for keys is one for text.
func TestTextRules(t *testing.T) {
	text := wire.Input{Kind: wire.Text, Text: "é"}
	for _, c := range []struct {
		name   string
		rights wire.Rights
		change func(s *input.State)
		want   wire.Reason
	}{
		{"without control", point, func(*input.State) {}, wire.NoRight},
		{"hidden", control, func(s *input.State) { s.Visible = false }, wire.Hidden},
		{"locked", control, func(s *input.State) { s.Locked = true }, wire.Locked},
		{"not focused", control, func(s *input.State) { s.Focused = false }, wire.NotFocused},
		{"the host types", control, func(s *input.State) { s.HostActive = true }, wire.HostBusy},
		{"grabbed", control, func(s *input.State) { s.Busy = true }, wire.HostBusy},
		{"the host's modifier", control, func(s *input.State) { s.HostMods = wire.ModShift }, wire.HostBusy},
		{"Ctrl", control, func(s *input.State) { s.Mods = wire.ModCtrl }, wire.KeyDenied},
		{"Shift", control, func(s *input.State) { s.Mods = wire.ModShift }, 0},
	} {
		g, d := newGate(t)
		d.Set(c.change)
		if v := g.Do(text, c.rights); v.Reason != c.want || (len(d.Events()) == 1) != v.OK() {
			t.Errorf("%s: %v", c.name, v)
		}
	}
	g, d := newGate(t)
	for range 20 {
		g.Do(wire.Input{Kind: wire.Text, Text: strings.Repeat("a", wire.MaxText)}, control)
	}
	if n := len(d.Events()); n > 1100 {
		t.Errorf("%d characters at once", n)
	}
}
