package session

import (
	"image"
	"math"
	"time"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/wire"
)

// Surface is a menu, tooltip or dialog of somebody else's share. It is drawn
// in the picture already.
type Surface struct {
	ID   wire.SurfaceID
	Kind wire.SurfaceKind
	// Bounds is where it is in the picture.
	Bounds image.Rectangle
	// Masked means that the sharer has not allowed it to be shown.
	Masked bool
}

// MaskedDialog is a dialog of a share of ours that reaches beyond the shared
// window, such as a file chooser. Nobody sees or controls it until Reveal.
type MaskedDialog struct {
	Share wire.ShareID
	// Surface is the dialog within the share; another number each time that it
	// opens.
	Surface wire.SurfaceID
	// Title is the shared window's.
	Title string
	// Viewers are the names of those who watch the share.
	Viewers []string
	At      time.Time
}

// surfaceStates are the masked dialogs of one share; call.mu guards it.
type surfaceStates map[wire.SurfaceID]*maskedState

type maskedState struct {
	at   time.Time
	kept bool // somebody decided that it stays masked
}

// follow notes which dialogs are masked now and returns those that are new.
func (m surfaceStates) follow(list []capture.Surface, now time.Time) (fresh []wire.SurfaceID) {
	masked := map[wire.SurfaceID]bool{}
	for _, x := range list {
		if !x.Masked {
			continue
		}
		id := wire.SurfaceID(x.ID)
		masked[id] = true
		if m[id] == nil {
			m[id] = &maskedState{at: now}
			fresh = append(fresh, id)
		}
	}
	for id := range m {
		if !masked[id] {
			delete(m, id)
		}
	}
	return fresh
}

// maskedLocked lists the dialogs of a share about which nobody has decided and
// that a viewer would see.
func (s *share) maskedLocked(viewers []Viewer) []MaskedDialog {
	var names []string
	for _, v := range viewers {
		if v.Watching {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var out []MaskedDialog
	for _, x := range s.state.Surfaces {
		id := wire.SurfaceID(x.ID)
		if m := s.masked[id]; m != nil && !m.kept {
			out = append(out, MaskedDialog{Share: s.id, Surface: id, Title: s.title, Viewers: names, At: m.at})
		}
	}
	return out
}

// Reveal shows a masked dialog to the viewers of its share, who may use it if
// they control the share, until it closes.
func (c *Call) Reveal(sid wire.ShareID, id wire.SurfaceID) error {
	return c.decide(sid, id, true)
}

// KeepMasked answers a MaskedDialog with no.
func (c *Call) KeepMasked(sid wire.ShareID, id wire.SurfaceID) error {
	return c.decide(sid, id, false)
}

func (c *Call) decide(sid wire.ShareID, id wire.SurfaceID, reveal bool) error {
	c.mu.Lock()
	s := c.shares[sid]
	var m *maskedState
	if s != nil {
		m = s.masked[id]
	}
	if m == nil {
		c.mu.Unlock()
		return ErrUnknown
	}
	m.kept = true // or revealed: the question is answered
	title := s.title
	c.mu.Unlock()
	if reveal {
		s.stream.Allow(capture.SurfaceID(id))
		c.emit(Event{Kind: EventRevealed, Share: sid, Title: title, Surface: id})
	}
	c.changed()
	return nil
}

// layoutOf is where a gate finds everything in the picture.
func layoutOf(st capture.State) input.Layout {
	l := input.Layout{Gen: st.Gen}
	if st.Main.Empty() {
		return l // the picture is the window
	}
	l.Size, l.Main = image.Pt(st.W, st.H), st.Main
	for _, x := range st.Surfaces {
		l.Surfaces = append(l.Surfaces, input.Surface{Window: x.Window, Kind: x.Kind, Bounds: x.Bounds, Whole: x.Whole, Masked: x.Masked})
	}
	return l
}

// changeLocked is the share as its viewers are told.
func (s *share) changeLocked() wire.ShareChanged {
	m := wire.ShareChanged{
		Share: s.id, Title: s.title, W: uint16(s.state.W), H: uint16(s.state.H),
		Gen: s.state.Gen, Hidden: s.state.Hidden, TooLarge: s.state.TooLarge, Main: rectOf(s.state.Main),
	}
	if s.state.Main.Empty() {
		m.Main = wire.Rect{W: m.W, H: m.H}
	}
	for _, x := range s.state.Surfaces {
		m.Surfaces = append(m.Surfaces, wire.Surface{
			ID: wire.SurfaceID(x.ID), Kind: kindOf(x.Kind), Masked: x.Masked, Bounds: rectOf(x.Bounds),
		})
	}
	return m
}

func kindOf(k platform.SurfaceKind) wire.SurfaceKind {
	switch k {
	case platform.SurfaceMenu:
		return wire.SurfaceMenu
	case platform.SurfaceTooltip:
		return wire.SurfaceTooltip
	default:
		return wire.SurfaceDialog
	}
}

// rectOf is a rectangle of a picture, whose sides are at most video.MaxSide.
func rectOf(r image.Rectangle) wire.Rect {
	side := func(v int) uint16 { return uint16(min(max(v, 0), math.MaxUint16)) }
	return wire.Rect{X: side(r.Min.X), Y: side(r.Min.Y), W: side(r.Dx()), H: side(r.Dy())}
}

func rectangle(r wire.Rect) image.Rectangle {
	return image.Rect(0, 0, int(r.W), int(r.H)).Add(image.Pt(int(r.X), int(r.Y)))
}

// changedLocked takes over what the sharer says of a share; call.mu is held.
func (v *View) changedLocked(msg wire.ShareChanged) {
	i := &v.info
	i.Title, i.W, i.H, i.Gen, i.Hidden = msg.Title, int(msg.W), int(msg.H), msg.Gen, msg.Hidden
	i.TooLarge = msg.TooLarge
	i.Main, i.Surfaces = rectangle(msg.Main), nil
	for _, x := range msg.Surfaces {
		i.Surfaces = append(i.Surfaces, Surface{ID: x.ID, Kind: x.Kind, Masked: x.Masked, Bounds: rectangle(x.Bounds)})
	}
}

// Within is the marks as a picture of the window's own content has them: main
// is where that is in the picture of the given size, which the marks are made
// on. What lies beside it is left out.
func (m Marks) Within(size image.Point, main image.Rectangle) Marks {
	if main.Empty() || main == (image.Rectangle{Max: size}) {
		return m
	}
	move := func(s wire.Spot) (wire.Spot, bool) {
		p := image.Pt(wire.Pixel(s.X, size.X), wire.Pixel(s.Y, size.Y))
		q := p.Sub(main.Min)
		return wire.Spot{X: wire.Fraction(q.X, main.Dx()), Y: wire.Fraction(q.Y, main.Dy())}, p.In(main)
	}
	var out Marks
	for _, p := range m.Pointers {
		var ok bool
		if p.At, ok = move(p.At); ok {
			out.Pointers = append(out.Pointers, p)
		}
	}
	for _, s := range m.Strokes {
		var spots []wire.Spot
		for _, x := range s.Spots {
			if at, ok := move(x); ok {
				spots = append(spots, at)
			}
		}
		if s.Spots = spots; len(spots) > 0 {
			out.Strokes = append(out.Strokes, s)
		}
	}
	return out
}
