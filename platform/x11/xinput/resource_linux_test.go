package xinput_test

import (
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"

	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// What a client has grabbed is counted, and nothing of others.
func TestPassiveGrabs(t *testing.T) {
	b := newBench(t)
	r, err := xinput.NewResources(b.host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	grab := func(c *x11.Conn, key xproto.Keycode) {
		t.Helper()
		if err := xproto.GrabKeyChecked(c.Conn, false, b.a.XID(), 0, key, xproto.GrabModeAsync, xproto.GrabModeAsync).Check(); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want int) {
		t.Helper()
		if n, err := r.PassiveGrabs(b.a.XID()); n != want || err != nil {
			t.Errorf("%d grabs, want %d (%v)", n, want, err)
		}
	}
	expect(0)
	grab(b.remote, 41)
	expect(0)
	grab(b.a.Conn(), 40)
	grab(b.a.Conn(), 42)
	expect(2)
}

// A keyboard's map says what its keys do with every modifier, and a connection
// hears of a new one.
func TestKeyboards(t *testing.T) {
	b := newBench(t)
	kb, err := xinput.NewKeyboards(b.host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	m, err := kb.Map(xinput.CoreKeyboard)
	if err != nil {
		t.Fatal(err)
	}
	const f1, kpAdd, caps = 67, 86, 66
	has := func(code int, kind xinput.ActionKind) bool {
		return slices.ContainsFunc(m[code].Levels, func(l xinput.Level) bool { return l.Action.Kind == kind })
	}
	if !has(f1, xinput.SwitchScreen) || !has(kpAdd, 0x86) || !has(caps, xinput.LockMods) || has(caps, xinput.Terminate) {
		t.Errorf("F1 %+v, + %+v, Caps Lock %+v", m[f1], m[kpAdd], m[caps])
	}
	on, err := kb.Controls(xinput.CoreKeyboard).Reply()
	if err != nil || on&(xinput.MouseKeys|xinput.SlowKeys|xinput.StickyKeys) != 0 {
		t.Errorf("controls %#x (%v)", on, err)
	}
	if err := kb.Watch(xinput.CoreKeyboard); err != nil {
		t.Fatal(err)
	}
	if err := xproto.ChangeKeyboardMappingChecked(b.a.Conn().Conn, 1, 200, 1, []xproto.Keysym{0x61}).Check(); err != nil {
		t.Fatal(err)
	}
	pt.Eventually(t, "the news", func() bool {
		ev, _ := b.host.PollForEvent()
		id, ok := kb.NewMap(ev)
		return ok && id == xinput.CoreKeyboard
	})
}
