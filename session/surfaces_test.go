package session_test

import (
	"errors"
	"image"
	"slices"
	"testing"
	"time"

	"viewflip.app/capture"
	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// The viewer learns where everything is; the sharer is asked about a masked
// dialog once each time that it opens.
func TestSurfaces(t *testing.T) {
	w := newWorld(t)
	anna, ben, id, _ := w.pair(wire.RightSee | wire.RightControl)
	events := anna.Events(t.Context())
	menu := capture.Surface{ID: 3, Window: platform.NewWindowID(9), Kind: platform.SurfaceMenu, Bounds: image.Rect(1, 2, 3, 14)}
	dialog := capture.Surface{ID: 4, Kind: platform.SurfaceDialog, Bounds: image.Rect(0, 0, 4, 3), Masked: true}
	st := capture.State{W: 4, H: 14, Gen: 2, Title: "Editor", Main: image.Rect(0, 0, 4, 3), Surfaces: []capture.Surface{menu, dialog}}
	w.win.states <- st
	remote := func() session.RemoteShare { return ben.State().Remote[0] }
	eventually(t, "the surfaces", func() bool { return len(remote().Surfaces) == 2 })
	want := []session.Surface{
		{ID: 3, Kind: wire.SurfaceMenu, Bounds: menu.Bounds},
		{ID: 4, Kind: wire.SurfaceDialog, Bounds: dialog.Bounds, Masked: true},
	}
	if r := remote(); r.Main != st.Main || r.W != 4 || r.H != 14 || r.Gen != 2 || !slices.Equal(r.Surfaces, want) {
		t.Errorf("%+v", r)
	}
	eventually(t, "the gate to know", func() bool {
		g := w.lastGate()
		g.mu.Lock()
		defer g.mu.Unlock()
		l := g.layout
		return l.Gen == 2 && l.Size == image.Pt(4, 14) && l.Main == st.Main && len(l.Surfaces) == 2 && l.Surfaces[1].Masked &&
			l.Surfaces[0].Bounds == menu.Bounds && l.Surfaces[0].Window == menu.Window
	})
	heard := func(kind session.EventKind, surface wire.SurfaceID) {
		t.Helper()
		for {
			select {
			case e := <-events:
				if e.Kind == kind {
					if e.Surface != surface || e.Share != id || e.Title != "Editor" {
						t.Errorf("%+v", e)
					}
					return
				}
			case <-time.After(10 * time.Second):
				t.Fatal("no event", kind)
			}
		}
	}
	heard(session.EventMasked, 4)
	masked := func() []session.MaskedDialog { return anna.State().Masked }
	eventually(t, "the question", func() bool { return len(masked()) == 1 })
	if m := masked()[0]; m.Surface != 4 || m.Share != id || !slices.Equal(m.Viewers, []string{"Ben"}) || m.At.IsZero() {
		t.Errorf("%+v", m)
	}
	for _, bad := range [][2]uint32{{uint32(id), 3}, {uint32(id), 5}, {uint32(id) + 1, 4}} {
		if err := anna.Reveal(wire.ShareID(bad[0]), wire.SurfaceID(bad[1])); !errors.Is(err, session.ErrUnknown) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := anna.KeepMasked(id, 4); err != nil {
		t.Fatal(err)
	}
	if len(masked()) != 0 || len(w.win.allowed) != 0 {
		t.Error("still asked, or shown, after no")
	}
	st.Gen = 3
	w.win.states <- st // it moved
	eventually(t, "the news", func() bool { return remote().Gen == 3 })
	if len(masked()) != 0 {
		t.Error("asked twice")
	}
	dialog.ID = 5
	st.Gen, st.Surfaces = 4, []capture.Surface{dialog}
	w.win.states <- st // it opens again
	heard(session.EventMasked, 5)
	eventually(t, "the next question", func() bool { return len(masked()) == 1 })
	if err := anna.Reveal(id, 5); err != nil {
		t.Fatal(err)
	}
	heard(session.EventRevealed, 5)
	if got := <-w.win.allowed; got != 5 || len(masked()) != 0 {
		t.Errorf("allowed %d, asked %v", got, masked())
	}
	st.Gen, st.H, st.Surfaces = 5, 3, nil
	w.win.states <- st
	eventually(t, "the window alone", func() bool { return len(remote().Surfaces) == 0 && remote().H == 3 })
}

// While a menu sticks out, marks are made on a larger picture than the window.
func TestMarksWithin(t *testing.T) {
	spot := func(x, y, w, h int) wire.Spot { return wire.Spot{X: wire.Fraction(x, w), Y: wire.Fraction(y, h)} }
	m := session.Marks{
		Pointers: []session.Pointer{{Guest: 1, At: spot(60, 5, 150, 120)}, {Guest: 2, At: spot(49, 5, 150, 120)}, {Guest: 3, At: spot(149, 99, 150, 120)}},
		Strokes:  []session.Stroke{{Guest: 1, Spots: []wire.Spot{spot(40, 1, 150, 120), spot(50, 0, 150, 120), spot(51, 110, 150, 120)}}, {Guest: 2, Spots: []wire.Spot{spot(1, 1, 150, 120)}}},
	}
	got := m.Within(image.Pt(150, 120), image.Rect(50, 0, 150, 100))
	if p := got.Pointers; len(p) != 2 || p[0].At != spot(10, 5, 100, 100) || p[1].At != spot(99, 99, 100, 100) || p[1].Guest != 3 {
		t.Errorf("%+v", p)
	}
	if s := got.Strokes; len(s) != 1 || len(s[0].Spots) != 1 || s[0].Spots[0] != spot(0, 0, 100, 100) {
		t.Errorf("%+v", s)
	}
	if same := m.Within(image.Pt(150, 120), image.Rect(0, 0, 150, 120)); len(same.Pointers) != 3 || len(same.Strokes) != 2 {
		t.Errorf("%+v", same)
	}
}
