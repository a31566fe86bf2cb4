package video

import (
	"encoding/binary"
	"image"
	"math"
)

// YUV tells how a picture in luma and chroma is to be understood. The zero
// value is what this package makes: BT.601 with studio range.
type YUV struct {
	// BT709 takes the matrix of ITU-R BT.709 instead of BT.601.
	BT709 bool
	// Full means luma and chroma from 0 to 255 instead of studio range (16 to
	// 235 and 16 to 240).
	Full bool
}

// ToYUV converts rectangle r of f into dst, BT.601 in studio range. dst holds
// the part dst.Rect of f, whose corner is even, in 4:2:0 or 4:4:4 chroma; for
// 4:2:0, r is grown to even bounds and chroma is the mean of the pixels that
// share it.
func ToYUV(dst *image.YCbCr, f *Frame, r image.Rectangle) {
	held := dst.Rect.Intersect(f.Bounds())
	if r = r.Intersect(held); r.Empty() {
		return
	}
	if dst.SubsampleRatio == image.YCbCrSubsampleRatio444 {
		n := r.Dx()
		for y := r.Min.Y; y < r.Max.Y; y++ {
			c, l := dst.COffset(r.Min.X, y), dst.YOffset(r.Min.X, y)
			row444(dst.Y[l:l+n], dst.Cb[c:c+n], dst.Cr[c:c+n], f.Pix[(y*f.W+r.Min.X)*BytesPerPixel:])
		}
		return
	}
	r = even(r, held)
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		below := min(y+1, held.Max.Y-1) // the last row of an odd height stands for two
		top := f.Pix[(y*f.W+r.Min.X)*BytesPerPixel : (y*f.W+r.Max.X)*BytesPerPixel]
		bottom := f.Pix[(below*f.W+r.Min.X)*BytesPerPixel : (below*f.W+r.Max.X)*BytesPerPixel]
		luma(dst.Y[dst.YOffset(r.Min.X, y):][:r.Dx()], top)
		luma(dst.Y[dst.YOffset(r.Min.X, below):][:r.Dx()], bottom)
		c, n := dst.COffset(r.Min.X, y), (r.Dx()+1)/2
		chroma420(dst.Cb[c:c+n], dst.Cr[c:c+n], top, bottom)
	}
}

// even grows r so that it covers whole groups of 2x2 pixels within bounds.
func even(r, bounds image.Rectangle) image.Rectangle {
	r.Min.X, r.Min.Y = r.Min.X&^1, r.Min.Y&^1
	r.Max.X, r.Max.Y = (r.Max.X+1)&^1, (r.Max.Y+1)&^1
	return r.Intersect(bounds)
}

// The BT.601 matrix for studio range in 65536ths; half rounds.
const (
	yR, yG, yB = 16829, 33039, 6416
	uR, uG, uB = -9714, -19070, 28784
	vR, vG, vB = 28784, -24103, -4681
	half       = 1 << 15
	yBase      = 16<<16 + half
	cBase      = 128<<16 + half
)

func luma(dst, bgra []byte) {
	for i := range dst {
		p := binary.LittleEndian.Uint32(bgra[i*BytesPerPixel:])
		b, g, r := int32(p&0xff), int32(p>>8&0xff), int32(p>>16&0xff)
		dst[i] = byte((yR*r + yG*g + yB*b + yBase) >> 16)
	}
}

func row444(dy, du, dv, bgra []byte) {
	du, dv = du[:len(dy)], dv[:len(dy)]
	for i := range dy {
		p := binary.LittleEndian.Uint32(bgra[i*BytesPerPixel:])
		b, g, r := int32(p&0xff), int32(p>>8&0xff), int32(p>>16&0xff)
		dy[i] = byte((yR*r + yG*g + yB*b + yBase) >> 16)
		du[i] = byte((uR*r + uG*g + uB*b + cBase) >> 16)
		dv[i] = byte((vR*r + vG*g + vB*b + cBase) >> 16)
	}
}

// chroma420 averages 2x2 pixels of two rows. An odd last column stands for two.
func chroma420(du, dv, top, bottom []byte) {
	dv = dv[:len(du)]
	last := len(top)/BytesPerPixel - 1
	for i := range du {
		l, r := 2*i*BytesPerPixel, min(2*i+1, last)*BytesPerPixel
		p, q := binary.LittleEndian.Uint32(top[l:]), binary.LittleEndian.Uint32(top[r:])
		s, t := binary.LittleEndian.Uint32(bottom[l:]), binary.LittleEndian.Uint32(bottom[r:])
		// Blue and red, then green, of four pixels at once: sums fit 16 bits.
		br := p&0xff00ff + q&0xff00ff + s&0xff00ff + t&0xff00ff
		g := int32(p>>8&0xff + q>>8&0xff + s>>8&0xff + t>>8&0xff)
		b, rd := int32(br&0xffff), int32(br>>16)
		du[i] = byte((uR*rd + uG*g + uB*b + 4*cBase) >> 18)
		dv[i] = byte((vR*rd + vG*g + vB*b + 4*cBase) >> 18)
	}
}

// matrix turns luma and chroma into red, green and blue, in 65536ths.
type matrix struct {
	yBase             int32
	y, rv, gu, gv, bu int32
}

func (s YUV) matrix() matrix {
	kr, kb := 0.299, 0.114
	if s.BT709 {
		kr, kb = 0.2126, 0.0722
	}
	ys, cs, base := 255.0/219, 255.0/224, int32(16)
	if s.Full {
		ys, cs, base = 1, 1, 0
	}
	fix := func(v float64) int32 { return int32(math.Round(v * (1 << 16))) }
	kg := 1 - kr - kb
	return matrix{
		yBase: base, y: fix(ys),
		rv: fix(2 * (1 - kr) * cs), bu: fix(2 * (1 - kb) * cs),
		gu: fix(2 * (1 - kb) * kb / kg * cs), gv: fix(2 * (1 - kr) * kr / kg * cs),
	}
}

// FromYUV converts rectangle r of src into f. src holds the part src.Rect of f,
// whose corner is even, in 4:2:0 or 4:4:4 chroma; for 4:2:0, r is grown to even
// bounds and shared chroma is repeated. Alpha becomes 255.
func FromYUV(f *Frame, src *image.YCbCr, s YUV, r image.Rectangle) {
	held := src.Rect.Intersect(f.Bounds())
	if r = r.Intersect(held); r.Empty() {
		return
	}
	m := s.matrix()
	shared := src.SubsampleRatio == image.YCbCrSubsampleRatio420
	if shared {
		r = even(r, held)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		dst := f.Pix[(y*f.W+r.Min.X)*BytesPerPixel : (y*f.W+r.Max.X)*BytesPerPixel]
		l := src.Y[src.YOffset(r.Min.X, y):][:r.Dx()]
		c, n := src.COffset(r.Min.X, y), r.Dx()
		if shared {
			n = (n + 1) / 2
			m.row420(dst, l, src.Cb[c:c+n], src.Cr[c:c+n])
		} else {
			m.row444(dst, l, src.Cb[c:c+n], src.Cr[c:c+n])
		}
	}
}

func (m *matrix) row444(dst, l, u, v []byte) {
	u, v = u[:len(l)], v[:len(l)]
	k := *m
	for i := range l {
		// As pixel does it, in a form that is compiled in place.
		r, g, b := k.chroma(u[i], v[i])
		y := (int32(l[i]) - k.yBase) * k.y
		r, g, b = r+y, g+y, b+y
		var p uint32
		if uint32(r|g|b)>>24 == 0 { // nothing to clamp, nearly always
			p = uint32(b)>>16 | uint32(g)>>8&0xff00 | uint32(r)&0xff0000 | 0xff000000
		} else {
			p = clamp(b) | clamp(g)<<8 | clamp(r)<<16 | 0xff000000
		}
		binary.LittleEndian.PutUint32(dst[i*BytesPerPixel:], p)
	}
}

func (m *matrix) row420(dst, l, u, v []byte) {
	v = v[:len(u)]
	for i := range u {
		r, g, b := m.chroma(u[i], v[i])
		binary.LittleEndian.PutUint32(dst[2*i*BytesPerPixel:], m.pixel(l[2*i], r, g, b))
		if 2*i+1 < len(l) {
			binary.LittleEndian.PutUint32(dst[(2*i+1)*BytesPerPixel:], m.pixel(l[2*i+1], r, g, b))
		}
	}
}

// chroma is what chroma adds to red, green and blue, rounding included.
func (m *matrix) chroma(u, v byte) (r, g, b int32) {
	cu, cv := int32(u)-128, int32(v)-128
	return m.rv*cv + half, half - m.gu*cu - m.gv*cv, m.bu*cu + half
}

func (m *matrix) pixel(l byte, r, g, b int32) uint32 {
	y := (int32(l) - m.yBase) * m.y
	return clamp(y+b) | clamp(y+g)<<8 | clamp(y+r)<<16 | 0xff000000
}

// clamp takes a value in 65536ths to 0..255.
func clamp(v int32) uint32 {
	if uint32(v)>>24 == 0 {
		return uint32(v) >> 16
	}
	return uint32(^(v >> 31)) & 0xff
}

// ToRGBA copies pixels from src, BGRA, to dst, RGBA, of the same length: what
// image.RGBA holds and most toolkits want.
func ToRGBA(dst, src []byte) {
	dst = dst[:len(src)]
	for ; len(src) >= 8; src, dst = src[8:], dst[8:] { // two pixels at once
		p := binary.LittleEndian.Uint64(src)
		p = p&0xff00ff00ff00ff00 | p<<16&0x00ff000000ff0000 | p>>16&0x000000ff000000ff
		binary.LittleEndian.PutUint64(dst, p)
	}
	if len(src) >= BytesPerPixel {
		p := binary.LittleEndian.Uint32(src)
		binary.LittleEndian.PutUint32(dst, p&0xff00ff00|p<<16&0xff0000|p>>16&0xff)
	}
}
