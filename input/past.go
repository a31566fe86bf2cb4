package input

import (
	"image"
	"slices"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// A guest aims at the picture that they see, which is older than the window is. An
// event for an earlier picture is refused as stale, because something else may be at
// that place by now. Tooltips alone are no reason for that: they come and go under
// every pointer, all the time. So a Gate keeps the layouts of the last pictures
// between which only tooltips came, went or moved (follows), and takes an event for
// one of them if the guest saw the same surface at that point as is there now
// (current). Any other change empties the list.

// maxPast is how many pictures back an event may be aimed: a tooltip comes and
// goes, and another does, while one picture is on its way.
const maxPast = 4

// follows reports whether l is the layout right after o and nothing but tooltips
// came, went or moved in between.
func (l Layout) follows(o Layout) bool {
	if l.Gen != o.Gen+1 || o.Size == (image.Point{}) || l.Size == (image.Point{}) || l.Main.Size() != o.Main.Size() {
		return false
	}
	a, b := o.lasting(), l.lasting()
	tips := len(a) < len(o.Surfaces) || len(b) < len(l.Surfaces) // something else changed if there are none
	return tips && slices.Equal(a, b)
}

// lasting are the surfaces but for tooltips, counted from the window's content.
func (l Layout) lasting() []Surface {
	var out []Surface
	for _, s := range l.Surfaces {
		if s.Kind != platform.SurfaceTooltip {
			out = append(out, l.relative(s))
		}
	}
	return out
}

func (l Layout) relative(s Surface) Surface {
	s.Bounds, s.Whole = s.Bounds.Sub(l.Main.Min), s.Whole.Sub(l.Main.Min)
	return s
}

// current is ev as it would be aimed at the current picture: an event for an
// earlier one is good as long as only tooltips made the difference and what the
// guest saw at the point is what is there now. False if it is stale.
func (g *Gate) current(ev wire.Input) (wire.Input, bool) {
	if ev.Surface != 0 {
		return ev, false
	}
	if ev.Gen == g.layout.Gen {
		return ev, true
	}
	i := slices.IndexFunc(g.past, func(l Layout) bool { return l.Gen == ev.Gen })
	if i < 0 {
		return ev, false
	}
	then, now := g.past[i], g.layout
	p := image.Pt(wire.Pixel(ev.X, then.Size.X), wire.Pixel(ev.Y, then.Size.Y)).Sub(then.Main.Min)
	a, saw := then.Surface(p)
	b, is := now.Surface(p)
	q := p.Add(now.Main.Min)
	if saw != is || then.relative(a) != now.relative(b) && saw || !q.In(image.Rectangle{Max: now.Size}) {
		return ev, false
	}
	ev.Gen, ev.X, ev.Y = now.Gen, wire.Fraction(q.X, now.Size.X), wire.Fraction(q.Y, now.Size.Y)
	return ev, true
}
