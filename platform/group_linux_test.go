package platform_test

import (
	"image"
	"testing"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
)

type options = platformtest.Options

func groupOf(t *testing.T, d *platform.Desktop, w *platformtest.Window) *platform.Group {
	t.Helper()
	g, err := d.Group(w.ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// has waits until a window is a member.
func has(t *testing.T, g *platform.Group, w *platformtest.Window) platform.Member {
	t.Helper()
	var m platform.Member
	platformtest.Eventually(t, "membership", func() (ok bool) {
		m, ok = g.State().Member(w.ID())
		return ok
	})
	return m
}

// lacks is true for windows that are no members although a window that was
// mapped after them is one.
func lacks(t *testing.T, g *platform.Group, main *platformtest.Window, ws ...*platformtest.Window) {
	t.Helper()
	last := main.Sibling(options{Bounds: image.Rect(110, 110, 130, 130), OverrideRedirect: true, TransientFor: main.XID()})
	has(t, g, last)
	for i, w := range ws {
		if _, ok := g.State().Member(w.ID()); ok {
			t.Errorf("window %d is a member", i)
		}
	}
	last.Close()
	platformtest.Eventually(t, "the end of the last", func() bool {
		_, ok := g.State().Member(last.ID())
		return !ok
	})
}

func TestGroupByTransient(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			main := platformtest.NewWindow(t, d.Display(), options{Title: "main", Bounds: image.Rect(100, 100, 500, 400)})
			early := main.Sibling(options{Bounds: image.Rect(200, 200, 300, 260), TransientFor: main.XID(), Type: "DIALOG"})
			g := groupOf(t, d, main)
			if m := has(t, g, early); m.Kind != platform.SurfaceDialog || m.Masked || m.Bounds != early.Bounds() {
				t.Errorf("%+v, want a dialog at %v", m, early.Bounds())
			}
			if g.State().Main != main.Bounds() {
				t.Errorf("main at %v, want %v", g.State().Main, main.Bounds())
			}
			menu := main.Sibling(options{Bounds: image.Rect(150, 350, 250, 500), TransientFor: early.XID(), OverrideRedirect: true, Type: "POPUP_MENU"})
			if m := has(t, g, menu); m.Kind != platform.SurfaceMenu {
				t.Errorf("%+v, want a menu", m)
			}
			tip := main.Sibling(options{Bounds: image.Rect(150, 300, 250, 320), TransientFor: main.XID(), OverrideRedirect: true, Type: "TOOLTIP"})
			if m := has(t, g, tip); m.Kind != platform.SurfaceTooltip {
				t.Errorf("%+v, want a tooltip", m)
			}
			drag := main.Sibling(options{Bounds: image.Rect(150, 300, 250, 320), TransientFor: main.XID(), OverrideRedirect: true, Type: "DND"})
			other := main.Sibling(options{Title: "other", Bounds: image.Rect(600, 100, 800, 300)})
			others := main.Sibling(options{Bounds: image.Rect(300, 300, 350, 340), TransientFor: other.XID(), Type: "DIALOG"})
			othersMenu := main.Sibling(options{Bounds: image.Rect(300, 300, 350, 340), TransientFor: others.XID(), OverrideRedirect: true})
			lacks(t, g, main, drag, other, others, othersMenu)

			before := has(t, g, tip)
			tip.Unmap()
			platformtest.Eventually(t, "the tooltip's end", func() bool { _, ok := g.State().Member(tip.ID()); return !ok })
			tip.Map()
			if m := has(t, g, tip); m.Serial == before.Serial {
				t.Error("mapped again with the same serial")
			}
			// The same window for somebody else.
			tip.SetTransient(other.XID())
			platformtest.Eventually(t, "the tooltip to leave", func() bool { _, ok := g.State().Member(tip.ID()); return !ok })

			early.Move(image.Pt(222, 233))
			platformtest.Eventually(t, "the move", func() bool { return has(t, g, early).Bounds.Min == image.Pt(222, 233) })
			main.Move(image.Pt(120, 130))
			platformtest.Eventually(t, "the main window's move", func() bool { return g.State().Main.Min == image.Pt(120, 130) })
			main.Unmap()
			platformtest.Eventually(t, "nothing while hidden", func() bool { return len(g.State().Members) == 0 })
			main.Map()
			has(t, g, early)
		})
	}
}

func TestGroupStacking(t *testing.T) {
	d := desktop(t, "")
	main := platformtest.NewWindow(t, d.Display(), options{Bounds: image.Rect(100, 100, 500, 400)})
	g := groupOf(t, d, main)
	a := main.Sibling(options{Bounds: image.Rect(150, 150, 250, 250), TransientFor: main.XID(), OverrideRedirect: true})
	b := main.Sibling(options{Bounds: image.Rect(200, 150, 300, 250), TransientFor: main.XID(), OverrideRedirect: true})
	order := func(x, y *platformtest.Window) func() bool {
		return func() bool {
			m := g.State().Members
			return len(m) == 2 && m[0].ID == x.ID() && m[1].ID == y.ID()
		}
	}
	platformtest.Eventually(t, "the order of mapping", order(a, b))
	a.Raise()
	platformtest.Eventually(t, "the new order", order(b, a))
}

// Popups that say nothing belong to whoever was active.
func TestGroupByActivity(t *testing.T) {
	for _, wm := range []string{"", "openbox"} {
		t.Run("wm="+wm, func(t *testing.T) {
			d := desktop(t, wm)
			main := platformtest.NewWindow(t, d.Display(), options{Title: "main", Bounds: image.Rect(100, 100, 500, 400)})
			sibling := main.Sibling(options{Title: "sibling", Bounds: image.Rect(550, 100, 800, 400)})
			stranger := platformtest.NewWindow(t, d.Display(), options{Title: "stranger", Bounds: image.Rect(100, 500, 300, 600)})
			g := groupOf(t, d, main)
			popup := func(of *platformtest.Window, r image.Rectangle) *platformtest.Window {
				return of.Sibling(options{Bounds: r, OverrideRedirect: true})
			}
			near := image.Rect(300, 300, 450, 450)
			focus := func(w *platformtest.Window) {
				w.Focus()
				if wm != "" { // it tells a moment later, and a popup that comes in between is nobody's
					platformtest.Eventually(t, "the active window", func() bool {
						v := w.Conn().Cardinals(w.Conn().Root, "_NET_ACTIVE_WINDOW")
						return len(v) == 1 && v[0] == uint32(w.XID())
					})
				}
			}
			focus(sibling)
			lacks(t, g, main, popup(sibling, near), popup(stranger, near))
			focus(main)
			menu := popup(main, near)
			has(t, g, menu)
			lacks(t, g, main, popup(stranger, near), popup(main, image.Rect(950, 100, 1000, 200)))
			focus(stranger)
			if _, ok := g.State().Member(menu.ID()); !ok {
				t.Error("the menu is no member any more")
			}
			lacks(t, g, main, popup(main, near))
		})
	}
}

// Dialogs for the whole client count only if they are modal.
func TestGroupModal(t *testing.T) {
	d := desktop(t, "openbox")
	main := platformtest.NewWindow(t, d.Display(), options{Title: "main", Bounds: image.Rect(100, 100, 500, 400)})
	stranger := platformtest.NewWindow(t, d.Display(), options{Title: "stranger", Bounds: image.Rect(100, 500, 300, 600)})
	g := groupOf(t, d, main)
	dialog := func(of *platformtest.Window, modal bool) *platformtest.Window {
		w := of.Sibling(options{Bounds: image.Rect(200, 200, 300, 260), TransientFor: of.Conn().Root, Type: "DIALOG", Hidden: true})
		if modal {
			w.SetAtoms("_NET_WM_STATE", "_NET_WM_STATE_MODAL")
		}
		w.Map()
		return w
	}
	loose, foreign, modal := dialog(main, false), dialog(stranger, true), dialog(main, true)
	has(t, g, modal)
	lacks(t, g, main, loose, foreign)
}

func TestGroupMask(t *testing.T) {
	d := desktop(t, "openbox")
	main := platformtest.NewWindow(t, d.Display(), options{Title: "main", Bounds: image.Rect(100, 100, 500, 400)})
	portal := platformtest.NewWindow(t, d.Display(), options{Title: "portal", Bounds: image.Rect(600, 100, 800, 300)})
	g := groupOf(t, d, main)
	big, small := image.Rect(150, 150, 650, 500), image.Rect(150, 150, 350, 300)
	for name, c := range map[string]struct {
		of     *platformtest.Window
		o      options
		masked bool
	}{
		"question":           {main, options{Bounds: small}, false},
		"GTK's file chooser": {main, options{Bounds: big, Role: "GtkFileChooserDialog"}, true},
		"small file chooser": {main, options{Bounds: small, Role: "GtkFileChooserDialog"}, true},
		"print class":        {main, options{Bounds: small, Class: "Print-Dialog"}, true},
		"preferences":        {main, options{Bounds: big, Role: "preferences"}, false},
		"large and nameless": {main, options{Bounds: big}, true},
		"another client's":   {portal, options{Bounds: small}, true},
		"foreign popup":      {portal, options{Bounds: small, OverrideRedirect: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.o.TransientFor, c.o.Title = main.XID(), name
			if !c.o.OverrideRedirect {
				c.o.Type = "DIALOG"
			}
			w := c.of.Sibling(c.o)
			defer w.Close()
			if m := has(t, g, w); m.Masked != c.masked {
				t.Errorf("%+v", m)
			}
			g.Allow(w.ID())
			if has(t, g, w).Masked {
				t.Error("masked although it was allowed")
			}
			w.Move(image.Pt(180, 180))
			platformtest.Eventually(t, "the move", func() bool { return has(t, g, w).Bounds.Min == image.Pt(180, 180) })
			if has(t, g, w).Masked {
				t.Error("masked again by a move")
			}
			w.Unmap()
			platformtest.Eventually(t, "the end", func() bool { _, ok := g.State().Member(w.ID()); return !ok })
			w.Map()
			if m := has(t, g, w); m.Masked != c.masked {
				t.Errorf("shown again: %+v", m)
			}
		})
	}
}

// All handles share what was allowed; the last one ends the connection.
func TestGroupHandles(t *testing.T) {
	d := desktop(t, "")
	main := platformtest.NewWindow(t, d.Display(), options{Bounds: image.Rect(100, 100, 500, 400)})
	a, b := groupOf(t, d, main), groupOf(t, d, main)
	w := main.Sibling(options{Bounds: image.Rect(150, 150, 250, 250), TransientFor: main.XID(), Role: "filechooser"})
	has(t, b, w)
	a.Allow(w.ID())
	if has(t, b, w).Masked {
		t.Error("one handle does not know")
	}
	a.Close()
	a.Close()
	w.Move(image.Pt(160, 160))
	platformtest.Eventually(t, "the other goes on", func() bool { return has(t, b, w).Bounds.Min == image.Pt(160, 160) })
	main.Close()
	platformtest.Eventually(t, "the end of the group", func() bool { return len(b.State().Members) == 0 })
	if _, err := d.Group(platform.NewWindowID(0x7fffff)); err == nil {
		t.Error("a group of nothing")
	}
}
