package capture

import (
	"encoding/binary"
	"image"
	"slices"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform"
	"viewflip.app/video"
)

// The picture of a window with menus and dialogs is put together here. While
// there is none, it is read straight from the window's pixmap. Else each
// surface is read from its own pixmap into memory of its own, and those parts
// of the picture that changed are drawn from there, bottom first.

// outside is the colour of the picture where no surface is: that of the stage
// in a viewer's window.
const outside = 0xff14171c

// member is a menu, tooltip or dialog. It has no surface while it is masked,
// and none if it cannot be read.
type member struct {
	platform.Member
	*surface
	id SurfaceID
	// at is where it is seen in the picture; empty while it is not.
	at image.Rectangle
	// offset is where its content begins in the picture.
	offset image.Point
	shadow *buffer // its content, while it is seen
	shown  bool    // it was ready once
	veil   bool    // it was masked, and stays one colour until it is ready
}

// layer is one rectangle of the picture.
type layer struct {
	*surface // nil for one colour
	at       image.Rectangle
	offset   image.Point
	own      **buffer
}

// layersLocked lists what the picture is made of, bottom first.
func (s *stream) layersLocked() []layer {
	out := append(make([]layer, 0, 4), layer{s.main, s.state.Main, s.state.Main.Min, &s.under})
	for _, m := range s.members {
		if !m.at.Empty() {
			f := m.surface
			if !m.shown {
				f = nil
			}
			out = append(out, layer{f, m.at, m.offset, &m.shadow})
		}
	}
	return out
}

// follow keeps up with the group until the window closes.
func (s *stream) follow() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.group.Changes():
			s.change(func() error { s.syncLocked(true); return nil })
		case <-timer.C: // something has settled
			s.change(func() error { return nil })
		case <-s.gone:
			return
		}
		if d, ok := s.settling(); ok {
			timer.Reset(d)
		}
	}
}

// settling is when the next member can be shown, if one waits.
func (s *stream) settling() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Duration
	ok := false
	for _, m := range s.members {
		if m.surface == nil || m.pix == 0 || m.shown {
			continue
		}
		if d := max(time.Until(m.notBefore), 0); !ok || d < next {
			next, ok = d, true
		}
	}
	return next, ok
}

// syncLocked makes the members those of the group. fresh says that new ones
// were mapped just now.
func (s *stream) syncLocked(fresh bool) {
	g := s.group.State()
	s.origin = g.Main.Min
	old := s.members
	s.members = nil
	for _, now := range g.Members {
		i := slices.IndexFunc(old, func(m *member) bool { return m.ID == now.ID && m.Serial == now.Serial })
		var m *member
		if i >= 0 {
			m = old[i]
			old = slices.Delete(old, i, i+1)
		} else {
			m = &member{id: s.nextID}
			if s.nextID++; s.nextID == 0 {
				s.nextID = 1
			}
		}
		switch {
		case now.Masked:
			m.drop()
		case m.surface == nil && (i < 0 || m.Masked):
			f, err := newSurface(s.c, xproto.Window(now.ID.Native()), s.region, fresh)
			if err != nil { // it went at once, or has no picture
				s.log("a surface is left out", "err", err)
				break
			}
			m.surface, m.veil = f, i >= 0
		}
		m.Member = now
		s.members = append(s.members, m)
	}
	for _, m := range old {
		m.drop()
	}
}

// drop ends the capture of a member.
func (m *member) drop() {
	if m.surface != nil {
		m.free()
		m.surface = nil
	}
	m.shadow.free(true)
	m.shadow, m.shown, m.veil = nil, false, false
}

// ready reports whether a member can be shown. One that was stays.
func (m *member) ready() bool {
	if m.surface != nil && m.pix != 0 && !time.Now().Before(m.notBefore) {
		m.shown, m.veil = true, false
	}
	return m.Masked || m.veil || m.shown
}

// tooLarge reports whether a picture would be larger than any may be.
func tooLarge(r image.Rectangle) bool {
	return r.Dx() > video.MaxSide || r.Dy() > video.MaxSide || r.Dx()*r.Dy() > video.MaxPixels
}

// layoutLocked works out what is where in the picture.
func (s *stream) layoutLocked() {
	content := image.Rectangle{Max: s.main.content.Size()}
	reach := content.Inset(-platform.GroupMargin)
	canvas := content
	type placed struct {
		m     *member
		at    image.Rectangle
		whole image.Rectangle
	}
	var seen []placed
	for _, m := range s.members {
		m.at = image.Rectangle{}
		if !m.ready() || s.main.hidden {
			continue
		}
		corner, size := m.Bounds.Min.Sub(s.origin), m.Bounds.Size()
		if m.shown {
			size = m.content.Size()
		}
		whole := image.Rectangle{Min: corner, Max: corner.Add(size)}
		at := whole.Intersect(reach)
		all := canvas.Union(at)
		if at.Empty() || tooLarge(all) {
			continue
		}
		canvas = all
		seen = append(seen, placed{m, at, whole})
	}
	before := s.state
	s.state.Hidden, s.state.TooLarge = s.main.hidden, tooLarge(content)
	s.state.W, s.state.H, s.state.Main = canvas.Dx(), canvas.Dy(), content.Sub(canvas.Min)
	s.state.Surfaces = nil
	for _, p := range seen {
		p.m.at, p.m.offset = p.at.Sub(canvas.Min), p.whole.Min.Sub(canvas.Min)
		s.state.Surfaces = append(s.state.Surfaces, Surface{
			ID: p.m.id, Window: p.m.ID, Kind: p.m.Kind, Masked: p.m.Masked || p.m.veil,
			Bounds: p.m.at, Whole: p.whole.Sub(canvas.Min),
		})
	}
	same := unmoved(before.Surfaces, s.state.Surfaces)
	resized := s.state.W != before.W || s.state.H != before.H || s.state.Main != before.Main || s.laid != s.main.content
	if !resized && same == len(before.Surfaces) && same == len(s.state.Surfaces) {
		return
	}
	s.state.Gen++
	s.laid = s.main.content
	if resized {
		s.pending = s.pending[:0]
		s.touchLocked(image.Rect(0, 0, s.state.W, s.state.H))
	}
	for _, list := range [][]Surface{before.Surfaces[same:], s.state.Surfaces[same:]} {
		for _, f := range list {
			s.touchLocked(f.Bounds)
		}
	}
	if len(s.state.Surfaces) == 0 {
		s.under.free(true)
		s.under = nil
	}
}

// unmoved is how many surfaces at the bottom stayed as they are.
func unmoved(before, after []Surface) (n int) {
	for n < len(before) && n < len(after) && before[n] == after[n] {
		n++
	}
	return n
}

// drawLocked brings a buffer up to date.
func (s *stream) drawLocked(b *buffer) error {
	layers := s.layersLocked()
	if len(layers) == 1 {
		return s.main.fill(b)
	}
	for _, l := range layers {
		if l.surface == nil {
			continue
		}
		w, h := l.content.Dx(), l.content.Dy()
		if o := *l.own; o == nil || o.w != w || o.h != h {
			o.free(true)
			*l.own = nil
			fresh, err := s.newBuffer(w, h)
			if err != nil {
				return err
			}
			*l.own = fresh
		}
		if err := l.fill(*l.own); err != nil {
			return err
		}
	}
	bounds := image.Rect(0, 0, b.w, b.h)
	for _, r := range b.stale {
		for _, free := range (area{r.Intersect(bounds)}).minus(s.state.Main) {
			b.paint(free, outside)
		}
		for _, l := range layers {
			if part := r.Intersect(l.at).Intersect(bounds); l.surface == nil {
				b.paint(part, neutral)
			} else {
				b.copy(part, *l.own, l.offset)
			}
		}
	}
	b.stale = b.stale[:0]
	return nil
}

// paint fills a rectangle with one colour.
func (b *buffer) paint(r image.Rectangle, bgra uint32) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := b.seg.mem[(y*b.w+r.Min.X)*video.BytesPerPixel : (y*b.w+r.Max.X)*video.BytesPerPixel]
		for i := 0; i < len(row); i += video.BytesPerPixel {
			binary.LittleEndian.PutUint32(row[i:], bgra)
		}
	}
}

// copy draws a rectangle of from, whose first pixel belongs at offset.
func (b *buffer) copy(r image.Rectangle, from *buffer, offset image.Point) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		src := ((y-offset.Y)*from.w + r.Min.X - offset.X) * video.BytesPerPixel
		dst := (y*b.w + r.Min.X) * video.BytesPerPixel
		copy(b.seg.mem[dst:dst+r.Dx()*video.BytesPerPixel], from.seg.mem[src:])
	}
}

func (s *stream) Allow(id SurfaceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		if m.id == id && s.group != nil {
			s.group.Allow(m.ID)
		}
	}
}
