package xtest

import (
	"slices"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform/x11/xinput"
)

// Owned implements [input.Target]: does somebody have a passive grab on the key
// with the modifiers that are down, on the root or on a frame of the window?
// Our own grab of the same combination fails then (X protocol, GrabKey; the
// same for the grabs of XInput 2, which a core request does not see). Nothing is
// kept: programs may grab keys at any time, and tell nobody.
//
// A grab on the window itself or on what is in it is no refusal: the key goes
// past it (strikeKey).
func (s *section) Owned(st input.Stroke) bool {
	code := st.Code
	above, below, ok := s.keyPath()
	if !ok {
		return true
	}
	probes := s.probes(above, s.mask, code)
	// A key that is held is repeated, with this modifier too then.
	if bits := s.d.hands.layout.bits[code]; bits != 0 {
		for _, held := range s.d.down {
			if !held.button {
				probes = append(probes, s.probes(above, s.mask|uint16(bits), held.code)...)
			}
		}
	}
	n := len(probes)
	taken := make([]bool, 0, n+len(below))
	for _, p := range append(probes, s.probes(below, s.mask, code)...) {
		taken = append(taken, p.taken())
	}
	s.asked, s.past = code, s.passBy(below, taken[n:])
	return slices.Contains(taken[:n], true)
}

// passBy is the window past which a key must go so that nobody but the shared
// program gets it: the deepest with a passive grab of somebody else, or the one
// with the focus, since a grab of ours for that is told to nobody. 0 if it need
// not. Grabs on windows that the shared program has made inside of its own are
// taken for those of its own, as those of Motif are, if it has any; who has a
// grab the server does not tell, but window managers know no such windows.
func (s *section) passBy(below []xproto.Window, taken []bool) xproto.Window {
	d, deepest, own := s.d, -1, false
	for i, w := range below {
		switch {
		case !taken[i]:
		case i > 0 && d.sameBase(w) && d.grabs():
			own = true
		default:
			deepest, own = i, false
		}
	}
	switch {
	case deepest < 0:
		return 0
	case own:
		return below[deepest]
	}
	return below[max(deepest, slices.Index(below, s.focus))]
}

// grabs reports whether the shared client has passive grabs of its own.
func (d *Desk) grabs() bool {
	if d.hands.res == nil {
		return false
	}
	n, err := d.hands.res.PassiveGrabs(d.win)
	return err == nil && n > 0
}

// keyPath is the windows on which the server looks for passive grabs when a key
// goes down: from the root to that with the focus, and from there to the
// pointer, if that is inside (X protocol, GrabKey). below begins with the shared
// window, or the surface of it that has the focus. ok is false when the focus is
// in neither.
func (s *section) keyPath() (above, below []xproto.Window, ok bool) {
	d, w := s.d, s.focus
	for range maxDepth {
		below = append(below, w)
		if _, member := d.member(w); member || w == d.win {
			ok = true
			break
		}
		t, err := xproto.QueryTree(d.hands.act, w).Reply()
		if err != nil || t.Parent == 0 {
			break
		}
		w = t.Parent
	}
	if !ok {
		return nil, nil, false
	}
	slices.Reverse(below)
	chain := d.chain
	if w != d.win {
		chain = d.chainOf(w)
	}
	if len(chain) == 0 {
		return nil, nil, false
	}
	return append([]xproto.Window{d.root}, chain[:len(chain)-1]...), append(below, s.underPointer()...), true
}

// underPointer is the windows from below that with the focus to the pointer.
func (s *section) underPointer() (out []xproto.Window) {
	w := s.focus
	if w == s.d.win { // the answer is there
		if w = s.under; w == 0 {
			return nil
		}
		out = append(out, w)
	}
	for len(out) < maxDepth {
		p, err := xproto.QueryPointer(s.d.hands.act, w).Reply()
		if err != nil || p.Child == 0 {
			break
		}
		w = p.Child
		out = append(out, w)
	}
	return out
}

// keyProbe is the answer to a grab of one combination on one window.
type keyProbe struct {
	core xproto.GrabKeyCookie
	xi   *xinput.GrabKeycodeCookie
}

// taken reads both answers.
func (p keyProbe) taken() bool {
	taken := false
	if p.xi != nil { // it has a reply: the core one needs no round trip then
		xi, err := p.xi.Owned()
		taken = xi || err != nil
	}
	return p.core.Check() != nil || taken
}

// probes tries to grab a combination on windows, and lets go at once.
func (s *section) probes(windows []xproto.Window, mask uint16, code byte) []keyProbe {
	h := s.d.hands
	out := make([]keyProbe, len(windows))
	for i, w := range windows {
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
