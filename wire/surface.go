package wire

import "encoding/binary"

// MaxSurfaces is how many surfaces a share has at most beside its window.
const MaxSurfaces = 16

// Rect is a rectangle in pixels of a share's picture.
type Rect struct{ X, Y, W, H uint16 }

// in reports whether r is not empty and inside a picture of w by h pixels.
func (r Rect) in(w, h uint16) bool {
	return r.W > 0 && r.H > 0 && int(r.X)+int(r.W) <= int(w) && int(r.Y)+int(r.H) <= int(h)
}

// SurfaceKind says what a surface is.
type SurfaceKind uint8

// The kinds of surfaces.
const (
	SurfaceMenu SurfaceKind = iota + 1
	SurfaceTooltip
	SurfaceDialog
)

// Surface is a menu, tooltip or dialog that is drawn over a shared window.
type Surface struct {
	ID   SurfaceID // not 0
	Kind SurfaceKind
	// Masked means that the sharer has not allowed it to be shown.
	Masked bool
	Bounds Rect
}

func appendRect(b []byte, r Rect) []byte {
	be := binary.BigEndian
	return be.AppendUint16(be.AppendUint16(be.AppendUint16(be.AppendUint16(b, r.X), r.Y), r.W), r.H)
}

func (r *reader) rect() Rect { return Rect{r.u16(), r.u16(), r.u16(), r.u16()} }

// appendSurfaces appends the first MaxSurfaces of a list.
func appendSurfaces(b []byte, list []Surface) []byte {
	list = list[:min(len(list), MaxSurfaces)]
	b = append(b, byte(len(list)))
	for _, s := range list {
		b = append(binary.BigEndian.AppendUint16(b, uint16(s.ID)), byte(s.Kind))
		b = appendRect(appendFlag(b, s.Masked), s.Bounds)
	}
	return b
}

// surfaces takes a list of surfaces of a picture of w by h pixels.
func (r *reader) surfaces(w, h uint16) []Surface {
	n := int(r.u8())
	if n > MaxSurfaces {
		r.bad = true
		return nil
	}
	var list []Surface
	for range n {
		s := Surface{ID: SurfaceID(r.u16()), Kind: SurfaceKind(r.u8()), Masked: r.flag(), Bounds: r.rect()}
		r.bad = r.bad || s.ID == 0 || s.Kind < SurfaceMenu || s.Kind > SurfaceDialog || !s.Bounds.in(w, h)
		if r.bad {
			return nil
		}
		list = append(list, s)
	}
	return list
}
