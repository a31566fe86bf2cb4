package xtest_test

import (
	"image"
	"testing"

	"github.com/jezek/xgb/xproto"
	fake "github.com/jezek/xgb/xtest"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// Where the number pad moves the pointer (mouse keys), no guest's key does so,
// nor can a guest turn that on.
func TestMouseKeys(t *testing.T) {
	inBothModes(t, mouseKeys)
}

func mouseKeys(t *testing.T, shared bool) {
	t.Helper()
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setXKB(t, v, "us", "keypad:pointerkeys")
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: shared}))
	beside := b.Neighbour()
	host := onx11.Host(t, v.Name())
	kb, err := xinput.NewKeyboards(host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	xi, err := xinput.New(host.Conn)
	if err != nil {
		t.Fatal(err)
	}
	acting := xinput.CoreKeyboard
	if !shared {
		_, acting = keyboards(t, host)
	}
	on := func() bool {
		for _, id := range []xinput.DeviceID{xinput.CoreKeyboard, acting} {
			c, err := kb.Controls(id).Reply()
			if err != nil {
				t.Fatal(err)
			}
			if c&xinput.MouseKeys != 0 {
				return true
			}
		}
		return false
	}
	// A guest may not turn it on.
	press := func(dom string) wire.Reason { return b.Gate.Do(b.Key(wire.KeyDown, dom), onx11.Rights).Reason }
	pt.Eventually(t, "Shift", func() bool { return press("ShiftLeft") == 0 })
	if why := press("NumLock"); why != wire.KeyDenied {
		t.Errorf("Shift+NumLock: %v", why)
	}
	b.Do(wire.Input{Kind: wire.ReleaseAll})
	if on() {
		t.Fatal("a guest turned mouse keys on")
	}
	// While it is off, the number pad types.
	for _, k := range []string{"Numpad4", "Numpad5"} {
		pt.Eventually(t, k, func() bool { return press(k) == 0 })
		b.Do(b.Key(wire.KeyUp, k))
	}
	// The host turns it on.
	const shift, numLock = 50, 77
	for _, e := range [][2]byte{{xproto.KeyPress, shift}, {xproto.KeyPress, numLock}, {xproto.KeyRelease, numLock}, {xproto.KeyRelease, shift}} {
		fake.FakeInput(host.Conn, e[0], e[1], 0, 0, 0, 0, 0)
	}
	if !on() {
		t.Fatal("the host cannot turn mouse keys on")
	}
	b.Win.Focus()
	pt.Eventually(t, "the guest's turn", func() bool { return b.Gate.Do(b.At(wire.Move, 395, 100), onx11.Rights).OK() })
	at := func() image.Point {
		p, err := xi.QueryPointer(xinput.CorePointer, host.Root).Reply()
		if err != nil {
			t.Fatal(err)
		}
		return p.At
	}
	before := at()
	beside.Forget()
	for _, k := range []string{"Numpad6", "Numpad9", "Numpad5", "NumpadAdd", "Numpad0"} {
		if why := press(k); shared && why != wire.KeyDenied {
			t.Errorf("%s: %v", k, why)
		}
		b.Do(b.Key(wire.KeyUp, k))
	}
	if now := at(); now != before {
		t.Errorf("the pointer went from %v to %v", before, now)
	}
	onx11.Nothing(t, "the neighbour", beside)
	if why := press("KeyA"); why != 0 {
		t.Errorf("a letter: %v", why)
	}
}

// While keys count only when they are held for long (slow keys), the server
// presses them later, whatever the window is by then: with one keyboard for both
// nothing is typed.
func TestSlowKeys(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: true}))
	host := onx11.Host(t, v.Name())
	const spare, slowKeys = 200, 0xfe73 // SlowKeys_Enable
	if err := xproto.ChangeKeyboardMappingChecked(host.Conn, 1, spare, 1, []xproto.Keysym{slowKeys}).Check(); err != nil {
		t.Fatal(err)
	}
	text := wire.Input{Kind: wire.Text, Text: "ж"}
	pt.Eventually(t, "a letter", func() bool { return b.Gate.Do(text, onx11.Rights).OK() })
	fake.FakeInput(host.Conn, xproto.KeyPress, spare, 0, 0, 0, 0, 0)
	fake.FakeInput(host.Conn, xproto.KeyRelease, spare, 0, 0, 0, 0, 0)
	_, _ = xproto.GetInputFocus(host.Conn).Reply()
	b.Win.Forget()
	for _, ev := range []wire.Input{text, b.Key(wire.KeyDown, "KeyA")} {
		pt.Eventually(t, "the refusal", func() bool { return b.Gate.Do(ev, onx11.Rights).Reason == wire.KeyDenied })
	}
	onx11.Nothing(t, "the window", b.Win)
}
