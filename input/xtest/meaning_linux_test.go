package xtest_test

import (
	"slices"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	pt "viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// A key that acts on the machine on one of its levels is not pressed, whichever
// of the two keyboards says so: by itself it is refused, and a character that it
// types as well is typed by another.
func TestForbiddenLevel(t *testing.T) {
	const code, powerOff = 56, 0x1008ff2a // KeyB, XF86PowerOff
	for _, whose := range []string{"host", "guest"} {
		t.Run(whose, func(t *testing.T) {
			b := onx11.NewBench(t, start(t), opener(xtest.SeatOptions{}))
			c, err := x11.Connect(b.Display)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if whose == "guest" { // requests of this client mean the second keyboard
				useSecond(t, c)
			}
			was, err := xproto.GetKeyboardMapping(c.Conn, code, 1).Reply()
			if err != nil {
				t.Fatal(err)
			}
			syms := slices.Clone(was.Keysyms)
			syms[1] = powerOff
			if err := xproto.ChangeKeyboardMappingChecked(c.Conn, 1, code, was.KeysymsPerKeycode, syms).Check(); err != nil {
				t.Fatal(err)
			}
			typed := func(n int) func() bool {
				return func() bool { return len(onx11.Got(b.Win, pt.KeyUp)) >= n }
			}
			pt.Eventually(t, "the new map", func() bool { // by the viewer's key: it is held, not tapped
				v := b.Gate.Do(b.Key(wire.KeyDown, "KeyB"), onx11.Rights)
				b.Do(b.Key(wire.KeyUp, "KeyB"))
				return v.Reason == wire.KeyDenied
			})
			b.Do(b.Key(wire.KeyDown, "KeyA"), b.Key(wire.KeyUp, "KeyA")) // all before it has arrived
			pt.Eventually(t, "the key", func() bool {
				return slices.ContainsFunc(onx11.Got(b.Win, pt.KeyUp), func(e pt.Event) bool { return e.Detail == 38 })
			})
			b.Win.Forget()
			b.Do(wire.Input{Kind: wire.Text, Text: "b"})
			pt.Eventually(t, "the character", typed(1))
			for _, e := range onx11.Got(b.Win, pt.KeyDown) {
				if e.Detail == code {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// On a level that needs a modifier which no deny list knows, AltGr, a key is
// refused with that modifier, in whichever order they are pressed.
func TestThirdLevel(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	setXKB(t, v, "de")
	b := onx11.NewBench(t, v.Name(), opener(xtest.SeatOptions{Shared: true}))
	const code, powerOff = 56, 0x1008ff2a // KeyB, XF86PowerOff
	syms := []xproto.Keysym{'b', 'B', 'b', 'B', powerOff, powerOff}
	if err := xproto.ChangeKeyboardMappingChecked(b.Win.Conn().Conn, 1, code, byte(len(syms)), syms).Check(); err != nil {
		t.Fatal(err)
	}
	press := func(dom string) wire.Reason { return b.Gate.Do(b.Key(wire.KeyDown, dom), onx11.Rights).Reason }
	for _, keys := range [][]string{{"AltRight", "KeyB"}, {"KeyB", "AltRight"}} {
		pt.Eventually(t, keys[0], func() bool { return press(keys[0]) == 0 })
		if why := press(keys[1]); why != wire.KeyDenied {
			t.Errorf("%v: %v", keys, why)
		}
		b.Do(wire.Input{Kind: wire.ReleaseAll})
	}
	pt.Eventually(t, "AltGr", func() bool { return press("AltRight") == 0 })
	if why := press("KeyA"); why != 0 {
		t.Errorf("AltGr and another key: %v", why)
	}
}

// useSecond makes the core requests of a client act on the pair of the guests.
func useSecond(t *testing.T, c *x11.Conn) {
	t.Helper()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if d.Use == xinput.MasterPointer && d.ID != xinput.CorePointer {
			xi.SetClientPointer(0, d.ID)
			return
		}
	}
	t.Fatal("no second pair")
}
