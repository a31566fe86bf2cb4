package glass

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"slices"

	"golang.org/x/image/vector"

	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// Sketch turns marks into small pictures for a share that is shown at some
// size, and draws them over it. What did not change is kept. It is not safe
// for concurrent use.
type Sketch struct {
	scale float64
	tags  tags
	w, h  int
	marks []mark
}

// mark is one small picture. Two of the same key and picture look the same.
type mark struct {
	key markKey
	at  image.Rectangle // in pixels of the shown picture, maybe over its edge
	img *image.RGBA     // its bounds begin at 0,0; nil until it is drawn

	// What img was drawn from.
	pointer pointerLook
	spots   int
	ink     float64
}

type markKey struct {
	stroke bool
	guest  wire.Guest
	id     uint32
}

// NewSketch makes a sketch; scale is how many pixels stand for one at 96 dpi.
func NewSketch(scale float64) *Sketch {
	scale = min(max(scale, 1), 4)
	return &Sketch{scale: scale, tags: newTags(scale)}
}

// Colour is the colour of a guest's marks; white text is readable on it. The
// sharer's is nobody else's.
func Colour(g wire.Guest) color.NRGBA {
	if g == session.Sharer {
		return color.NRGBA{R: 0x3b, G: 0x42, B: 0x4f, A: 255}
	}
	colours := [...]uint32{0x2f5fe0, 0xc2410c, 0x0f7b45, 0xa21caf, 0x0b7285, 0xc81e4b, 0x6b5b00, 0x5b3fd1}
	v := colours[int(g)%len(colours)]
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// Set makes m what is drawn over a picture that is shown at w by h pixels, and
// returns rectangles of it that look different now.
func (s *Sketch) Set(m session.Marks, w, h int) []image.Rectangle {
	old := s.marks
	if w != s.w || h != s.h {
		for i := range old { // everything is drawn anew
			old[i].img = nil
		}
		s.w, s.h = w, h
	}
	before := func(k markKey) mark {
		if i := slices.IndexFunc(old, func(o mark) bool { return o.key == k }); i >= 0 {
			return old[i]
		}
		return mark{key: k}
	}
	var dirty []image.Rectangle
	bounds := image.Rect(0, 0, w, h)
	touch := func(r image.Rectangle) { dirty = video.AddRect(dirty, r.Intersect(bounds), bounds) }
	s.marks = make([]mark, 0, len(m.Strokes)+len(m.Pointers))
	for _, st := range m.Strokes { // pointers lie above
		was := before(markKey{true, st.Guest, st.ID})
		now, changed := s.stroke(was, st)
		if changed.Empty() {
			s.marks = append(s.marks, now)
			continue
		}
		if now.at != was.at && !was.at.In(now.at) {
			touch(was.at)
		}
		touch(changed)
		s.marks = append(s.marks, now)
	}
	for _, p := range m.Pointers {
		was := before(markKey{guest: p.Guest})
		now := s.pointer(was, p)
		if now.img != was.img || now.at != was.at {
			touch(was.at)
			touch(now.at)
		}
		s.marks = append(s.marks, now)
	}
	for _, o := range old {
		if !slices.ContainsFunc(s.marks, func(n mark) bool { return n.key == o.key }) {
			touch(o.at)
		}
	}
	return dirty
}

// place is where a spot is shown.
func (s *Sketch) place(at wire.Spot) image.Point {
	return image.Pt(wire.Pixel(at.X, s.w), wire.Pixel(at.Y, s.h))
}

// pointer draws an arrow with its owner's name beside it, where there is room.
func (s *Sketch) pointer(was mark, p session.Pointer) mark {
	tip := s.place(p.At)
	look := pointerLook{guest: p.Guest, name: p.Name, shape: p.Shape}
	size, hot := s.tags.layout(look)
	look.left = tip.X-hot.X+size.X > s.w
	look.above = tip.Y-hot.Y+size.Y > s.h
	if was.img == nil || was.pointer != look {
		was.img, was.pointer = s.tags.draw(look), look
	}
	_, hot = s.tags.layout(look)
	was.at = was.img.Rect.Add(tip.Sub(hot))
	return was
}

// Radii of a stroke at 96 dpi, in pixels: a light rim keeps the ink apart from
// a background of its own colour.
const (
	inkRadius = 2.25
	rimRadius = 3.5
	// maxReach bounds how much of a stroke is drawn, in widths and heights of
	// the picture: no hand goes further, and a program would cost time.
	maxReach = 12
)

// stroke draws a stroke, if it grew or faded; changed is the part that looks
// different, within the new place.
func (s *Sketch) stroke(was mark, st session.Stroke) (now mark, changed image.Rectangle) {
	if was.img != nil && was.spots == len(st.Spots) && was.ink == st.Ink {
		return was, image.Rectangle{}
	}
	pts := make([]vec, len(st.Spots))
	for i, sp := range st.Spots {
		p := s.place(sp)
		pts[i] = vec{float64(p.X) + 0.5, float64(p.Y) + 0.5}
	}
	pts = upTo(pts, maxReach*float64(s.w+s.h))
	// An even part of the ink gives even widths on all screens.
	rim, ink := rimRadius*s.scale*st.Ink, inkRadius*s.scale*st.Ink
	at := box(pts, rim)
	changed = at.Union(was.at)
	if was.img != nil && was.ink == st.Ink {
		// The last piece bends when another follows.
		changed = box(pts[min(max(was.spots-2, 0), len(pts)-1):], rim)
	}
	line := smooth(pts)
	for i := range line {
		line[i] = line[i].add(vec{-float64(at.Min.X), -float64(at.Min.Y)})
	}
	now = mark{key: was.key, at: at, img: image.NewRGBA(image.Rect(0, 0, at.Dx(), at.Dy())), spots: len(st.Spots), ink: st.Ink}
	trace(now.img, line, rim, color.NRGBA{255, 255, 255, 255})
	trace(now.img, line, ink, Colour(st.Guest))
	return now, changed
}

// BlendBGRA draws the marks over rectangle r of a BGRA picture with the size
// given to Set, tightly packed.
func (s *Sketch) BlendBGRA(pix []byte, r image.Rectangle) {
	for _, m := range s.marks {
		part := r.Intersect(m.at).Intersect(image.Rect(0, 0, s.w, s.h))
		for y := part.Min.Y; y < part.Max.Y; y++ {
			src := m.img.Pix[m.img.PixOffset(part.Min.X-m.at.Min.X, y-m.at.Min.Y):]
			dst := pix[(y*s.w+part.Min.X)*4:]
			for i := 0; i < part.Dx()*4; i += 4 {
				switch a := 255 - uint32(src[i+3]); a {
				case 255:
				case 0:
					dst[i], dst[i+1], dst[i+2] = src[i+2], src[i+1], src[i]
				default:
					dst[i] = src[i+2] + uint8(uint32(dst[i])*a/255)
					dst[i+1] = src[i+1] + uint8(uint32(dst[i+1])*a/255)
					dst[i+2] = src[i] + uint8(uint32(dst[i+2])*a/255)
				}
			}
		}
	}
}

// Image is the marks alone on a transparent ground; nil if there are none.
func (s *Sketch) Image() *image.RGBA {
	if len(s.marks) == 0 {
		return nil
	}
	out := image.NewRGBA(image.Rect(0, 0, s.w, s.h))
	for _, m := range s.marks {
		draw.Draw(out, m.at, m.img, image.Point{}, draw.Over)
	}
	return out
}

// vec is a point of the shown picture, in pixels.
type vec struct{ x, y float64 }

func (a vec) add(b vec) vec { return vec{a.x + b.x, a.y + b.y} }
func (a vec) mid(b vec) vec { return vec{(a.x + b.x) / 2, (a.y + b.y) / 2} }

// box is the pixels that a line of radius r through pts may touch.
func box(pts []vec, r float64) image.Rectangle {
	if len(pts) == 0 {
		return image.Rectangle{}
	}
	lo, hi := pts[0], pts[0]
	for _, p := range pts {
		lo, hi = vec{min(lo.x, p.x), min(lo.y, p.y)}, vec{max(hi.x, p.x), max(hi.y, p.y)}
	}
	return image.Rect(int(math.Floor(lo.x-r))-1, int(math.Floor(lo.y-r))-1, int(math.Ceil(hi.x+r))+1, int(math.Ceil(hi.y+r))+1)
}

// upTo is the part of a line that is at most so long.
func upTo(pts []vec, length float64) []vec {
	for i := 1; i < len(pts); i++ {
		if length -= math.Hypot(pts[i].x-pts[i-1].x, pts[i].y-pts[i-1].y); length < 0 {
			return pts[:i]
		}
	}
	return pts
}

// smooth rounds a hand's corners: quadratic curves between the middles of the
// pieces, with the spots as their control points.
func smooth(pts []vec) []vec {
	if len(pts) < 3 {
		return slices.Clone(pts)
	}
	out := []vec{pts[0]}
	from := pts[0]
	for i := 1; i+1 < len(pts); i++ {
		c, to := pts[i], pts[i].mid(pts[i+1])
		steps := min(max(int(math.Hypot(to.x-from.x, to.y-from.y)/4), 1), 16)
		for k := 1; k <= steps; k++ {
			t := float64(k) / float64(steps)
			out = append(out, from.mix(c, t).mix(c.mix(to, t), t))
		}
		from = to
	}
	return append(out, pts[len(pts)-1])
}

func (a vec) mix(b vec, t float64) vec { return vec{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

// trace draws a round line. Every pixel is covered by how near the nearest
// piece is, so that pieces which overlap leave no trace of it.
func trace(img *image.RGBA, line []vec, radius float64, c color.NRGBA) {
	if radius <= 0 {
		return
	}
	mask := image.NewAlpha(img.Rect)
	inner, outer := max(radius-0.5, 0), radius+0.5
	for i, p := range line {
		a := line[max(i-1, 0)]
		part := box([]vec{a, p}, radius).Intersect(img.Rect)
		for y := part.Min.Y; y < part.Max.Y; y++ {
			row := mask.Pix[y*mask.Stride+part.Min.X : y*mask.Stride+part.Max.X]
			for x := range row {
				switch d := a.square(p, vec{float64(part.Min.X+x) + 0.5, float64(y) + 0.5}); {
				case row[x] == 255 || d >= outer*outer:
				case d <= inner*inner && radius >= 0.5:
					row[x] = 255
				default:
					row[x] = max(row[x], uint8(255*min(outer-math.Sqrt(d), 1)))
				}
			}
		}
	}
	draw.DrawMask(img, img.Rect, image.NewUniform(c), image.Point{}, mask, image.Point{}, draw.Over)
}

// square is the square of how far q is from the piece between a and b.
func (a vec) square(b, q vec) float64 {
	dx, dy, px, py := b.x-a.x, b.y-a.y, q.x-a.x, q.y-a.y
	if along, l := px*dx+py*dy, dx*dx+dy*dy; along >= l && l > 0 {
		px, py = q.x-b.x, q.y-b.y
	} else if along > 0 {
		px, py = px-along/l*dx, py-along/l*dy
	}
	return px*px + py*py
}

// path adds a polygon.
func path(r *vector.Rasterizer, pts ...vec) {
	r.MoveTo(float32(pts[0].x), float32(pts[0].y))
	for _, p := range pts[1:] {
		r.LineTo(float32(p.x), float32(p.y))
	}
	r.ClosePath()
}

// fill fills the shape that add describes.
func fill(img *image.RGBA, c color.NRGBA, add func(*vector.Rasterizer)) {
	r := vector.NewRasterizer(img.Rect.Dx(), img.Rect.Dy())
	add(r)
	r.Draw(img, img.Rect, image.NewUniform(c), image.Point{})
}
