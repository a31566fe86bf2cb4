package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// MaxCursorSide bounds a cursor's width and height in pixels.
	MaxCursorSide = 256
	// MaxCursorData bounds the bytes of one CursorShape.
	MaxCursorData = 15 << 10
	// MaxCursorParts bounds how many parts a shape has: enough for one that does
	// not compress.
	MaxCursorParts = 20
)

type (
	// CursorShape carries a part of what the pointer looks like over a share, on
	// the ordered channel. The parts of a shape follow each other, from 0.
	CursorShape struct {
		Share ShareID
		// Hand means the pointer that members in control have for themselves.
		Hand        bool
		W, H        uint16
		HotX, HotY  uint16
		Part, Parts uint8
		// Data is a part of what PackCursor returned.
		Data []byte
	}
	// CursorPosition tells where the sharer's own pointer is, on the lossy
	// channel; not On, on the ordered one, that it is not over the share.
	CursorPosition struct {
		Share ShareID
		// Seq rises; what comes late is dropped.
		Seq uint32
		At  Spot
		On  bool
	}
)

const (
	typeCursorShape byte = iota + 0x80
	typeCursorPosition
)

func (CursorShape) message() byte    { return typeCursorShape }
func (CursorPosition) message() byte { return typeCursorPosition }

// appendCursor appends the fields of a message of this file.
func appendCursor(b []byte, m Message) []byte {
	be := binary.BigEndian
	switch m := m.(type) {
	case CursorShape:
		b = be.AppendUint16(be.AppendUint16(appendFlag(be.AppendUint32(b, uint32(m.Share)), m.Hand), m.W), m.H)
		b = append(be.AppendUint16(be.AppendUint16(b, m.HotX), m.HotY), m.Part, m.Parts)
		b = appendBytes(b, m.Data)
	case CursorPosition:
		b = be.AppendUint32(be.AppendUint32(b, uint32(m.Share)), m.Seq)
		b = appendFlag(appendSpot(b, m.At), m.On)
	}
	return b
}

// parseCursor reads the fields of a message of this file.
func parseCursor(kind byte, r *reader) (Message, bool) {
	if kind == typeCursorPosition {
		p := CursorPosition{Share: ShareID(r.u32()), Seq: r.u32(), At: r.spot(), On: r.flag()}
		return p, p.On || p.At == Spot{}
	}
	s := CursorShape{
		Share: ShareID(r.u32()), Hand: r.flag(), W: r.u16(), H: r.u16(), HotX: r.u16(), HotY: r.u16(),
		Part: r.u8(), Parts: r.u8(), Data: r.bytes(MaxCursorData),
	}
	return s, s.W <= MaxCursorSide && s.H <= MaxCursorSide && s.HotX < s.W && s.HotY < s.H &&
		s.Part < s.Parts && s.Parts <= MaxCursorParts && len(s.Data) > 0
}

// PackCursor compresses the pixels of a cursor: DEFLATE (RFC 1951).
func PackCursor(pix []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil // only an unknown level fails
	}
	_, _ = w.Write(pix) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// UnpackCursor returns the size bytes that PackCursor was given, and takes no
// more memory than that. ErrMalformed for anything else.
func UnpackCursor(packed []byte, size int) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(packed))
	pix := make([]byte, size)
	if _, err := io.ReadFull(r, pix); err != nil {
		return nil, fmt.Errorf("%w: cursor: %w", ErrMalformed, err)
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: cursor: too long", ErrMalformed)
	}
	return pix, nil
}
