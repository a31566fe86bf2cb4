//go:build linux && x11

package robot

import (
	"context"
	"errors"
	"testing"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/input/inputtest/onx11"
	"viewflip.app/input/xtest"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

// One display for all tests: robotgo connects once.
func TestOnDisplay(t *testing.T) {
	v, err := virtual.Start(t.Context(), virtual.Options{WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	platformtest.Use(t, v.Name())
	for _, shared := range []bool{true, false} {
		t.Run(map[bool]string{true: "shared", false: "second"}[shared], func(t *testing.T) {
			var seat *xtest.Seat
			var of *platform.Desktop
			onx11.Conformance(t, v.Name(), func(ctx context.Context, d *platform.Desktop, id platform.WindowID) (input.Desk, error) {
				if of != d {
					seat, of = NewSeat(d, xtest.SeatOptions{Shared: shared}), d
				}
				return seat.Open(ctx, id)
			}, onx11.Traits{Buttons: []wire.Button{wire.Left, wire.Middle, wire.Right}, Second: !shared})
		})
	}

	t.Run("the keyboard map is left alone", func(t *testing.T) {
		c, err := reach()
		if err != nil {
			t.Fatal(err)
		}
		n := byte(len(c.syms) / int(c.per))
		r, err := xproto.GetKeyboardMapping(c.c, c.first, n).Reply()
		if err != nil || len(r.Keysyms) != len(c.syms) {
			t.Fatal(err)
		}
		for i, s := range r.Keysyms {
			if s != c.syms[i] {
				t.Errorf("keysym %d is %#x and was %#x", i, s, c.syms[i])
			}
		}
	})
	t.Run("another display", func(t *testing.T) {
		d, err := platform.Open(v.Name(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		t.Setenv("DISPLAY", ":9999")
		if _, err := NewSeat(d, xtest.SeatOptions{}).Open(t.Context(), platform.NewWindowID(1)); !errors.Is(err, ErrDisplay) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("panics", func(t *testing.T) {
		e := &emitter{c: globalConn.c}
		if err := e.guard(func() error { panic("robotgo") }); err == nil {
			t.Error("a panic is no success")
		}
	})
	t.Run("a closed connection", func(t *testing.T) {
		e := &emitter{}
		if err := e.Move(1, 1); !errors.Is(err, ErrNotAtomic) {
			t.Errorf("acted on a connection that nobody checked: %v", err)
		}
	})
}

func TestKeyNames(t *testing.T) {
	c := &robotConn{first: 8, per: 2, syms: []xproto.Keysym{
		'a', 'A', // 8
		'1', '!', // 9
		0xff95, 0xffb7, // 10: KP_Home, KP_7: robotgo knows only the second, with Shift
		'!', 0, // 11: robotgo would press key 9 with Shift
		0xff0d, 0, // 12
		'a', 0, // 13: robotgo would press key 8
		0x6c6, 0, // 14: a legacy Cyrillic keysym has no name
		0x010003b1, 0, // 15: alpha as Unicode
		0, 0, // 16
		0xffbe, 0, // 17: F1
	}}
	want := map[int]string{8: "a", 9: "1", 12: "enter", 15: "α", 17: "f1"}
	for code, name := range keyNames(c) {
		if name != want[code] {
			t.Errorf("key %d: %q, want %q", code, name, want[code])
		}
	}
}
