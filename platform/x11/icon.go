package x11

import (
	"image"
	"image/color"

	"github.com/jezek/xgb/xproto"
)

// maxIcon bounds an icon's sides, in pixels.
const maxIcon = 1024

// Icon is the icon nearest to size pixels of _NET_WM_ICON (EWMH), else the
// pixmap of WM_HINTS (ICCCM 4.1.2.4), which xterm and other old clients set;
// nil if there is none.
func (c *Conn) Icon(w xproto.Window, size int) image.Image {
	return c.icon(w, c.Cardinals(w, "_NET_WM_ICON"), c.Cardinals(w, "WM_HINTS"), size)
}

func (c *Conn) icon(w xproto.Window, v, hints []uint32, size int) image.Image {
	var best []uint32
	bw, bh := 0, 0
	for len(v) > 2 {
		iw, ih := int(v[0]), int(v[1])
		if iw < 1 || ih < 1 || iw > maxIcon || ih > maxIcon || len(v) < 2+iw*ih {
			break
		}
		if best == nil || abs(iw-size) < abs(bw-size) {
			best, bw, bh = v[2:2+iw*ih], iw, ih
		}
		v = v[2+iw*ih:]
	}
	if best == nil {
		return c.hintIcon(hints)
	}
	img := image.NewNRGBA(image.Rect(0, 0, bw, bh))
	for i, p := range best {
		img.SetNRGBA(i%bw, i/bw, color.NRGBA{R: byte(p >> 16), G: byte(p >> 8), B: byte(p), A: byte(p >> 24)})
	}
	return img
}

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}

// hintIcon reads the icon pixmap and its mask of WM_HINTS.
func (c *Conn) hintIcon(v []uint32) image.Image {
	const (
		iconPixmapHint, iconMaskHint = 1 << 2, 1 << 5
		iconPixmap, iconMask         = 3, 7 // words of the property
	)
	if len(v) <= iconMask || v[0]&iconPixmapHint == 0 {
		return nil
	}
	img := c.pixmap(xproto.Pixmap(v[iconPixmap]))
	if img == nil || v[0]&iconMaskHint == 0 {
		return opaque(img)
	}
	mask := c.pixmap(xproto.Pixmap(v[iconMask]))
	if mask == nil || mask.Rect != img.Rect {
		return opaque(img)
	}
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i+3] = mask.Pix[i] // 255 where the bit is set
	}
	return img
}

// opaque keeps a nil picture from becoming an interface that is not nil.
func opaque(img *image.NRGBA) image.Image {
	if img == nil {
		return nil
	}
	return img
}

// pixmap reads a small pixmap of one bit (set bits are white) or of the
// server's 32-bit layout; nil where that cannot be done.
func (c *Conn) pixmap(p xproto.Pixmap) *image.NRGBA {
	g, err := xproto.GetGeometry(c.Conn, xproto.Drawable(p)).Reply()
	if err != nil || g.Width < 1 || g.Height < 1 || g.Width > maxIcon || g.Height > maxIcon {
		return nil
	}
	setup := xproto.Setup(c.Conn)
	if g.Depth != 1 && !c.BGRA(g.Depth, c.Screen.RootVisual) ||
		setup.ImageByteOrder != xproto.ImageOrderLSBFirst || setup.BitmapFormatBitOrder != xproto.ImageOrderLSBFirst {
		return nil
	}
	r, err := xproto.GetImage(c.Conn, xproto.ImageFormatZPixmap, xproto.Drawable(p), 0, 0, g.Width, g.Height, ^uint32(0)).Reply()
	if err != nil {
		return nil
	}
	w, h := int(g.Width), int(g.Height)
	stride := 4 * w
	if g.Depth == 1 {
		pad := int(setup.BitmapFormatScanlinePad)
		stride = (w + pad - 1) / pad * pad / 8
	}
	if len(r.Data) < stride*h {
		return nil
	}
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := r.Data[y*stride:]
		for x := range w {
			px := color.NRGBA{A: 255}
			if g.Depth != 1 {
				px.B, px.G, px.R = row[4*x], row[4*x+1], row[4*x+2]
			} else if row[x/8]>>(x%8)&1 != 0 {
				px.R, px.G, px.B = 255, 255, 255
			}
			img.SetNRGBA(x, y, px)
		}
	}
	return img
}
