package xtest

import (
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// Owned implements [input.Target]: does somebody have a passive grab on the key
// with the modifiers that are down, on the root or on a frame of the window?
// Our own grab of the same combination fails then (X protocol, GrabKey; the
// same for the grabs of XInput 2, which a core request does not see). Nothing is
// kept: programs may grab keys at any time, and tell nobody.
func (s *section) Owned(st input.Stroke) bool {
	code := st.Code
	probes := s.probes(s.mask, code)
	// A key that is held is repeated, with this modifier too then.
	if bits := s.d.hands.layout.bits[code]; bits != 0 {
		for _, held := range s.d.down {
			if !held.button {
				probes = append(probes, s.probes(s.mask|uint16(bits), held.code)...)
			}
		}
	}
	owned := false
	for _, p := range probes { // XInput's have replies: the core ones need no round trip then
		if p.xi != nil {
			taken, err := p.xi.Owned()
			owned = owned || taken || err != nil
		}
	}
	for _, p := range probes {
		owned = p.core.Check() != nil || owned
	}
	return owned
}

// keyProbe is the answer to a grab of one combination on one window.
type keyProbe struct {
	core xproto.GrabKeyCookie
	xi   *xinput.GrabKeycodeCookie
}

// probes tries to grab a combination on the windows above the shared one, and
// lets go at once.
func (s *section) probes(mask uint16, code byte) []keyProbe {
	h := s.d.hands
	above := []xproto.Window{s.d.root}
	if n := len(s.d.chain); n > 0 {
		above = append(above, s.d.chain[:n-1]...)
	}
	out := make([]keyProbe, len(above))
	for i, w := range above {
		out[i].core = xproto.GrabKeyChecked(h.act, false, w, mask, xproto.Keycode(code), xproto.GrabModeAsync, xproto.GrabModeAsync)
		xproto.UngrabKey(h.act, xproto.Keycode(code), w, mask)
		if h.xi != nil {
			c := h.xi.GrabKeycode(w, code, mask)
			out[i].xi = &c
			h.xi.UngrabKeycode(w, code, mask)
		}
	}
	return out
}
