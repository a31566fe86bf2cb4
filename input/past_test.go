package input_test

import (
	"image"
	"testing"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/wire"
)

// picture is the window with surfaces over it, counted from its content.
func picture(gen uint32, ss ...input.Surface) input.Layout {
	main := image.Rect(0, 0, w, h)
	all := main
	for _, s := range ss {
		all = all.Union(s.Bounds)
	}
	l := input.Layout{Gen: gen, Size: all.Size(), Main: main.Sub(all.Min)}
	for _, s := range ss {
		s.Bounds, s.Whole = s.Bounds.Sub(all.Min), s.Bounds.Sub(all.Min)
		l.Surfaces = append(l.Surfaces, s)
	}
	return l
}

// A click that was on its way when a tooltip came or went arrives, unless the
// tooltip is or was at the point. Whatever else changed refuses it.
func TestTooltipIsNoChange(t *testing.T) {
	surface := func(id uint32, kind platform.SurfaceKind, r image.Rectangle) input.Surface {
		return input.Surface{Window: platform.NewWindowID(id), Kind: kind, Bounds: r}
	}
	tip := surface(5, platform.SurfaceTooltip, image.Rect(-20, -10, 20, 20)) // beyond the corner: all moves in the picture
	tip2 := surface(6, platform.SurfaceTooltip, image.Rect(30, 0, 40, 20))
	menu := surface(7, platform.SurfaceMenu, image.Rect(0, 30, 30, 40))
	moved := surface(7, platform.SurfaceMenu, image.Rect(1, 30, 31, 40))
	for _, c := range []struct {
		name string
		now  []input.Layout // the first is what the guest sees
		at   image.Point
		ok   bool
	}{
		{"comes elsewhere", []input.Layout{picture(1), picture(2, tip)}, image.Pt(25, 25), true},
		{"comes there", []input.Layout{picture(1), picture(2, tip)}, image.Pt(19, 19), false},
		{"goes elsewhere", []input.Layout{picture(1, tip), picture(2)}, image.Pt(20, 19), true},
		{"goes there", []input.Layout{picture(1, tip), picture(2)}, image.Pt(19, 19), false},
		{"comes and goes", []input.Layout{picture(1), picture(2, tip), picture(3)}, image.Pt(5, 5), true},
		{"is replaced", []input.Layout{picture(1, tip), picture(2), picture(3, tip2)}, image.Pt(25, 5), true},
		{"is replaced there", []input.Layout{picture(1, tip), picture(2), picture(3, tip2)}, image.Pt(30, 5), false},
		{"under a menu", []input.Layout{picture(1, menu), picture(2, tip, menu)}, image.Pt(5, 35), true},
		{"over a menu", []input.Layout{picture(1, menu), picture(2, menu, surface(5, platform.SurfaceTooltip, image.Rect(0, 35, 9, 39)))}, image.Pt(5, 35), false},
		{"a menu comes there", []input.Layout{picture(1), picture(2, menu)}, image.Pt(5, 35), false},
		{"a menu comes elsewhere", []input.Layout{picture(1), picture(2, menu)}, image.Pt(5, 5), false},
		{"a menu comes with it", []input.Layout{picture(1), picture(2, tip, menu)}, image.Pt(25, 25), false},
		{"a menu moves", []input.Layout{picture(1, menu), picture(2, tip, moved)}, image.Pt(25, 25), false},
		{"a tooltip, then a menu elsewhere", []input.Layout{picture(1), picture(2, tip), picture(3, tip, menu)}, image.Pt(25, 25), false},
		{"where the picture no longer is", []input.Layout{picture(1, tip), picture(2)}, image.Pt(-15, 50), false},
		{"a picture in between", []input.Layout{picture(1), picture(3, tip)}, image.Pt(25, 25), false},
		{"nothing says what changed", []input.Layout{picture(1), picture(2)}, image.Pt(25, 25), false},
		{"a resize, then a tooltip", []input.Layout{picture(1), picture(2), picture(3, tip)}, image.Pt(25, 25), false},
		{"long ago", []input.Layout{picture(1), picture(2, tip), picture(3), picture(4, tip), picture(5), picture(6, tip)}, image.Pt(25, 25), false},
	} {
		g, d := newGate(t)
		for _, s := range []input.Surface{tip, tip2, menu} {
			d.Reach(s.Bounds)
		}
		for _, l := range c.now {
			g.SetLayout(l)
		}
		first := c.now[0]
		ev := wire.Input{Kind: wire.Press, Button: wire.Left, Gen: 1}
		p := c.at.Add(first.Main.Min)
		ev.X, ev.Y = wire.Fraction(p.X, first.Size.X), wire.Fraction(p.Y, first.Size.Y)
		v := g.Do(ev, control)
		if c.ok != v.OK() || !c.ok && v.Reason != wire.Stale {
			t.Errorf("%s: %v", c.name, v)
		}
		if es := d.Events(); c.ok && (len(es) != 2 || es[0].At != c.at) {
			t.Errorf("%s: %+v", c.name, es)
		}
		_ = g.Close()
	}
}
