package video

import (
	"bytes"
	"image"
)

// CopyRect copies rectangle r from src to dst, which are of the same size.
func CopyRect(dst, src *Frame, r image.Rectangle) {
	if r = r.Intersect(src.Bounds()); r.Empty() {
		return
	}
	n := r.Dx() * BytesPerPixel
	for y := r.Min.Y; y < r.Max.Y; y++ {
		o := (y*src.W + r.Min.X) * BytesPerPixel
		copy(dst.Pix[o:o+n], src.Pix[o:o+n])
	}
}

// CopyRectYUV copies rectangle r from src to dst, which are of the same size
// and have the same 4:2:0 or 4:4:4 chroma. For 4:2:0, r is grown to even
// bounds.
func CopyRectYUV(dst, src *image.YCbCr, r image.Rectangle) {
	c := r
	if src.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		r = even(r, src.Rect)
		c = image.Rect(r.Min.X/2, r.Min.Y/2, (r.Max.X+1)/2, (r.Max.Y+1)/2)
	}
	copyPlane(dst.Y, src.Y, dst.YStride, src.YStride, r)
	copyPlane(dst.Cb, src.Cb, dst.CStride, src.CStride, c)
	copyPlane(dst.Cr, src.Cr, dst.CStride, src.CStride, c)
}

func copyPlane(dst, src []byte, dstStride, srcStride int, r image.Rectangle) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		copy(dst[y*dstStride+r.Min.X:y*dstStride+r.Max.X], src[y*srcStride+r.Min.X:y*srcStride+r.Max.X])
	}
}

// DiffYUV marks the tiles in which a and b, both of the map's size and with the
// same 4:2:0 or 4:4:4 chroma, differ.
func (m *TileMap) DiffYUV(a, b *image.YCbCr) {
	w, h, side := m.w, m.h, TileSize
	m.diffPlane(a.Y, b.Y, a.YStride, b.YStride, w, h, side)
	if a.SubsampleRatio == image.YCbCrSubsampleRatio420 {
		w, h, side = (w+1)/2, (h+1)/2, side/2
	}
	m.diffPlane(a.Cb, b.Cb, a.CStride, b.CStride, w, h, side)
	m.diffPlane(a.Cr, b.Cr, a.CStride, b.CStride, w, h, side)
}

func (m *TileMap) diffPlane(a, b []byte, aStride, bStride, w, h, side int) {
	for y := range h {
		p, q := a[y*aStride:y*aStride+w], b[y*bStride:y*bStride+w]
		if bytes.Equal(p, q) {
			continue
		}
		marks := m.Marks[y/side*m.Cols:][:m.Cols]
		for tx := range marks {
			l, r := tx*side, min((tx+1)*side, w)
			if marks[tx] == 0 && !bytes.Equal(p[l:r], q[l:r]) {
				marks[tx] = 1
			}
		}
	}
}
