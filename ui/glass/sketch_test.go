package glass

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// someMarks changes marks as people do: pointers come, move and go; strokes
// begin, grow, fade and go.
func someMarks(r *rand.Rand, m session.Marks) session.Marks {
	spot := func() wire.Spot { return wire.Spot{X: uint16(r.Uint32()), Y: uint16(r.Uint32())} }
	var out session.Marks
	for _, p := range m.Pointers {
		switch r.IntN(4) {
		case 0:
		case 1:
			p.At = spot()
			fallthrough
		default:
			out.Pointers = append(out.Pointers, p)
		}
	}
	if g := wire.Guest(r.IntN(9)); r.IntN(3) == 0 && len(out.Pointers) == 0 {
		out.Pointers = append(out.Pointers, session.Pointer{Guest: g, Name: []string{"Ben", "Änne Ö", "山"}[r.IntN(3)], At: spot()})
	}
	for _, s := range m.Strokes {
		switch {
		case r.IntN(3) == 0:
			s.Spots = append(s.Spots[:len(s.Spots):len(s.Spots)], spot(), spot())
		case r.IntN(4) == 0:
			s.Ink /= 2
		}
		if s.Ink > 0.2 {
			out.Strokes = append(out.Strokes, s)
		}
	}
	if r.IntN(3) == 0 {
		out.Strokes = append(out.Strokes, session.Stroke{Guest: wire.Guest(r.IntN(9)), ID: r.Uint32(), Spots: []wire.Spot{spot()}, Ink: 1})
	}
	return out
}

// TestSketchParts: painting only what Set names gives the same picture as
// painting everything.
func TestSketchParts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var m session.Marks
	w, h := 160, 120
	base := noise(w, h, 9)
	s := NewSketch(1)
	part := bytes.Clone(base.Pix)
	for step := range 500 {
		if r.IntN(50) == 0 {
			w, h = 80+r.IntN(120), 60+r.IntN(90)
			base = noise(w, h, uint64(step))
			part = bytes.Clone(base.Pix)
			s.Set(m, w, h)
			s.BlendBGRA(part, base.Bounds())
		}
		m = someMarks(r, m)
		for _, d := range s.Set(m, w, h) {
			copyRect(part, base, d)
			s.BlendBGRA(part, d)
		}
		fresh := NewSketch(1)
		fresh.Set(m, w, h)
		whole := bytes.Clone(base.Pix)
		fresh.BlendBGRA(whole, base.Bounds())
		if !bytes.Equal(part, whole) {
			t.Fatalf("step %d: parts differ from the whole: %+v", step, m)
		}
		if len(m.Pointers)+len(m.Strokes) == 0 && (!bytes.Equal(whole, base.Pix) || s.Image() != nil) {
			t.Fatal("without marks the picture is not what it was")
		}
	}
}

func TestSketchKeepsWhatRests(t *testing.T) {
	s := NewSketch(1)
	m := session.Marks{
		Pointers: []session.Pointer{{Guest: 1, Name: "Ben", At: wire.Spot{X: 30000, Y: 30000}}},
		Strokes:  []session.Stroke{{Guest: 2, ID: 1, Spots: []wire.Spot{{X: 100, Y: 100}, {X: 40000, Y: 200}}, Ink: 1}},
	}
	if len(s.Set(m, 500, 400)) == 0 {
		t.Fatal("nothing is new")
	}
	before := s.marks
	if d := s.Set(m, 500, 400); len(d) != 0 || s.marks[0].img != before[0].img || s.marks[1].img != before[1].img {
		t.Error("the same marks are drawn again:", d)
	}
	m.Pointers[0].At = wire.Spot{X: 30000, Y: 31000}
	d := s.Set(m, 500, 400)
	if len(d) == 0 || s.marks[1].img != before[1].img {
		t.Error("a pointer that moves is drawn again")
	}
	for _, r := range d {
		if r.Overlaps(s.marks[0].at) {
			t.Error("a stroke that rests is painted again")
		}
	}
}

// A tag stays in the picture, wherever its arrow is.
func TestTagsStayInside(t *testing.T) {
	s := NewSketch(2)
	for _, at := range []wire.Spot{{}, {X: 65535}, {Y: 65535}, {X: 65535, Y: 65535}} {
		s.Set(session.Marks{Pointers: []session.Pointer{{Name: "Benjamin", At: at}}}, 600, 500)
		_, tag, all := s.tags.plan(s.marks[0].pointer)
		tip := image.Pt(wire.Pixel(at.X, 600), wire.Pixel(at.Y, 500))
		if s.marks[0].at != all.Add(tip) || !tag.Add(tip).In(image.Rect(0, 0, 600, 500)) {
			t.Errorf("%v: the tag is at %v", at, tag.Add(tip))
		}
	}
}

func TestTagText(t *testing.T) {
	tg := newTags(1)
	for in, want := range map[string]string{
		"Ben": "Ben", "山田": "Guest", "": "Guest", "Zoë 🎉": "Zoë", "Дмитрий": "Дмитрий",
		"abcdefghijklmnopqrstuvwxyz": "abcdefghijklmnopqrstuvw…",
	} {
		if got := tg.text(in); got != want {
			t.Errorf("%q is shown as %q", in, got)
		}
	}
}

func BenchmarkSketch(b *testing.B) {
	const w, h = 1280, 800
	spiral, wild := session.Stroke{Guest: 1, Ink: 1}, session.Stroke{Guest: 1, Ink: 1}
	for i := range 600 {
		sin, cos := math.Sincos(float64(i) / 25)
		spiral.Spots = append(spiral.Spots, wire.Spot{X: uint16(30000 + 20*float64(i)*cos), Y: uint16(30000 + 20*float64(i)*sin)})
		wild.Spots = append(wild.Spots, wire.Spot{X: uint16(i * 33333), Y: uint16(i * 54321)})
	}
	b.Run("pointer", func(b *testing.B) {
		s, pix := NewSketch(1), make([]byte, 4*w*h)
		for i := 0; b.Loop(); i++ {
			m := session.Marks{Pointers: []session.Pointer{{Name: "Ben", At: wire.Spot{X: uint16(i * 77), Y: 30000}}}}
			for _, r := range s.Set(m, w, h) {
				s.BlendBGRA(pix, r)
			}
		}
	})
	for name, long := range map[string]session.Stroke{"stroke": spiral, "wild": wild} {
		b.Run(name, func(b *testing.B) {
			s, pix := NewSketch(1), make([]byte, 4*w*h)
			for i := 0; b.Loop(); i++ {
				st := long
				st.Spots = st.Spots[:300+i%300]
				for _, r := range s.Set(session.Marks{Strokes: []session.Stroke{st}}, w, h) {
					s.BlendBGRA(pix, r)
				}
			}
		})
	}
}
