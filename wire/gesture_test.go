package wire_test

import (
	"testing"

	"viewflip.app/wire"
)

// The gestures go by the letter, where the viewer's layout says which it is.
func TestGesturesByLetter(t *testing.T) {
	press := func(k wire.Key, r rune) wire.Input {
		return wire.Input{Kind: wire.KeyDown, Key: k, Rune: r, Mods: wire.ModCtrl}
	}
	const c, v, j = 0x06, 0x19, 0x0d
	for _, x := range []struct {
		in             wire.Input
		copies, pastes bool
	}{
		{press(c, 0), true, false}, {press(v, 0), false, true}, {press(j, 'c'), true, false}, {press(c, 'j'), false, false},
		{press(j, 'v'), false, true}, {press(v, 'k'), false, false}, {press(j, 'x'), true, false},
	} {
		if x.in.Copies() != x.copies || x.in.Pastes() != x.pastes {
			t.Errorf("%+v", x)
		}
	}
}
