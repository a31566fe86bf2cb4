package glass

import (
	"image"

	"viewflip.app/video"
)

// Scaler draws parts of a picture at another size: every pixel averages what
// it covers when the picture shrinks, and blends its neighbours when it grows.
// At the same size it copies. It is not safe for concurrent use.
type Scaler struct {
	sw, sh, dw, dh int
	x, y           axis
	// ring holds source rows that are scaled horizontally, found by their
	// number modulo its length.
	ring []ringRow
}

type ringRow struct {
	from int // source row; -1 when empty
	pix  []uint64
}

// axis tells for each output pixel which inputs it is made of.
type axis struct {
	first   []int32
	count   []int32
	weights []uint64 // of all outputs one after the other, each summing to 256
	offset  []int32
	most    int
}

// newAxis maps src pixels to dst pixels.
func newAxis(src, dst int) axis {
	a := axis{first: make([]int32, dst), count: make([]int32, dst), offset: make([]int32, dst)}
	for i := range dst {
		a.offset[i] = int32(len(a.weights))
		if src > dst {
			a.cover(i, src, dst)
		} else {
			a.blend(i, src, dst)
		}
		a.most = max(a.most, int(a.count[i]))
	}
	return a
}

// cover weighs the inputs that output i covers, in units of 1/dst inputs.
func (a *axis) cover(i, src, dst int) {
	lo, hi := i*src, (i+1)*src
	k0, k1 := lo/dst, (hi+dst-1)/dst
	a.first[i], a.count[i] = int32(k0), int32(k1-k0)
	start, left, most := len(a.weights), uint64(256), 0
	for k := k0; k < k1; k++ {
		w := uint64((min(hi, (k+1)*dst) - max(lo, k*dst)) * 256 / src)
		a.weights = append(a.weights, w)
		left -= w
		if w > a.weights[start+most] {
			most = k - k0
		}
	}
	a.weights[start+most] += left
}

// blend weighs the two inputs nearest to the centre of output i.
func (a *axis) blend(i, src, dst int) {
	c := ((2*i+1)*src*128)/dst - 128 // in 256ths of an input
	k := c >> 8
	f := uint64(c & 255)
	switch {
	case k < 0:
		k, f = 0, 0
	case k >= src-1:
		k, f = src-1, 0
	}
	a.first[i], a.count[i] = int32(k), 1
	a.weights = append(a.weights, 256-f)
	if f > 0 {
		a.count[i] = 2
		a.weights = append(a.weights, f)
	}
}

// reach is the half-open range of outputs that inputs [lo,hi) may influence.
func reach(lo, hi, src, dst int) (int, int) {
	return max(lo*dst/src-1-dst/src, 0), min((hi*dst+src-1)/src+1+dst/src, dst)
}

// Resize sets the size of the source and of the destination in pixels.
func (s *Scaler) Resize(sw, sh, dw, dh int) {
	if s.sw == sw && s.sh == sh && s.dw == dw && s.dh == dh {
		return
	}
	s.sw, s.sh, s.dw, s.dh = sw, sh, dw, dh
	s.ring = nil
	if sw == dw && sh == dh || sw <= 0 || sh <= 0 || dw <= 0 || dh <= 0 {
		return
	}
	s.x, s.y = newAxis(sw, dw), newAxis(sh, dh)
	s.ring = make([]ringRow, s.y.most+1)
	for i := range s.ring {
		s.ring[i].pix = make([]uint64, dw)
	}
}

// Reach is the part of the destination that source rectangle r may change.
func (s *Scaler) Reach(r image.Rectangle) image.Rectangle {
	r = r.Intersect(image.Rect(0, 0, s.sw, s.sh))
	if r.Empty() || s.ring == nil {
		return r
	}
	x0, x1 := reach(r.Min.X, r.Max.X, s.sw, s.dw)
	y0, y1 := reach(r.Min.Y, r.Max.Y, s.sh, s.dh)
	return image.Rect(x0, y0, x1, y1)
}

// Draw brings rectangle r of the destination, tightly packed BGRA of the size
// given to Resize, up to date with f, whose size is the source's.
func (s *Scaler) Draw(dst []byte, f *video.Frame, r image.Rectangle) {
	r = r.Intersect(image.Rect(0, 0, s.dw, s.dh))
	if r.Empty() || f.W != s.sw || f.H != s.sh {
		return
	}
	if s.ring == nil {
		copyRect(dst, f, r)
		return
	}
	for i := range s.ring {
		s.ring[i].from = -1
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		first, n := int(s.y.first[y]), int(s.y.count[y])
		for k := first; k < first+n; k++ {
			row := &s.ring[k%len(s.ring)]
			if row.from != k {
				s.row(row.pix, f.Pix[k*f.Stride():(k+1)*f.Stride()], r.Min.X, r.Max.X)
				row.from = k
			}
		}
		s.column(dst[y*s.dw*4:(y+1)*s.dw*4], y, r.Min.X, r.Max.X)
	}
}

// Three colours are handled at once in 16-bit lanes of a uint64: weights sum
// to 256, so no lane overflows.
const (
	laneMask  = 0x00ff_00ff_00ff
	laneRound = 0x0080_0080_0080
)

// row scales one source row horizontally for outputs [x0,x1).
func (s *Scaler) row(out []uint64, src []byte, x0, x1 int) {
	for x := x0; x < x1; x++ {
		o := s.x.offset[x]
		w := s.x.weights[o : o+s.x.count[x]]
		p := int(s.x.first[x]) * 4
		b := src[p : p+4*len(w)]
		sum := uint64(laneRound)
		for _, wk := range w {
			sum += (uint64(b[0]) | uint64(b[1])<<16 | uint64(b[2])<<32) * wk
			b = b[4:]
		}
		out[x] = sum >> 8 & laneMask
	}
}

// column makes outputs [x0,x1) of row y from the rows in the ring.
func (s *Scaler) column(out []byte, y, x0, x1 int) {
	first := int(s.y.first[y])
	o := s.y.offset[y]
	w := s.y.weights[o : o+s.y.count[y]]
	switch len(w) {
	case 1:
		a := s.ring[first%len(s.ring)].pix
		for x := x0; x < x1; x++ {
			store(out[x*4:x*4+4], a[x])
		}
	case 2:
		a, b := s.ring[first%len(s.ring)].pix, s.ring[(first+1)%len(s.ring)].pix
		wa, wb := w[0], w[1]
		for x := x0; x < x1; x++ {
			store(out[x*4:x*4+4], (laneRound+a[x]*wa+b[x]*wb)>>8)
		}
	default:
		for x := x0; x < x1; x++ {
			sum := uint64(laneRound)
			for k, wk := range w {
				sum += s.ring[(first+k)%len(s.ring)].pix[x] * wk
			}
			store(out[x*4:x*4+4], sum>>8)
		}
	}
}

func store(out []byte, v uint64) {
	_ = out[3]
	out[0], out[1], out[2], out[3] = byte(v), byte(v>>16), byte(v>>32), 255
}

func copyRect(dst []byte, f *video.Frame, r image.Rectangle) {
	stride := f.Stride()
	if r.Dx() == f.W {
		copy(dst[r.Min.Y*stride:r.Max.Y*stride], f.Pix[r.Min.Y*stride:])
		return
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		a, b := y*stride+r.Min.X*4, y*stride+r.Max.X*4
		copy(dst[a:b], f.Pix[a:b])
	}
}
