package wire

import (
	"encoding/binary"
	"errors"
)

// Version is the version of the protocol between peers and with the service.
const Version = 1

// PeerVersion is what peers say in Hello. It rises, too, when coded frames change:
// version 2 has slots in the tile bitstream.
const PeerVersion = 2

// Errors of every parser in this package.
var (
	// ErrMalformed means that bytes are not what they claim to be.
	ErrMalformed = errors.New("wire: malformed")
	// ErrTooLarge means that a message is over its limit.
	ErrTooLarge = errors.New("wire: too large")
)

// Limits of strings, in bytes of UTF-8.
const (
	MaxName  = 64
	MaxTitle = 256
)

// reader takes fields off a message; the first failure sticks.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return nil
	}
	p := r.b[:n]
	r.b = r.b[n:]
	return p
}

func (r *reader) u8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if p := r.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if p := r.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

// flag takes a byte that must be 0 or 1.
func (r *reader) flag() bool {
	v := r.u8()
	r.bad = r.bad || v > 1
	return v == 1
}

// bytes takes a u32 length and that many bytes, at most limit.
func (r *reader) bytes(limit int) []byte {
	n := r.u32()
	if n > uint32(limit) {
		r.bad = true
		return nil
	}
	return r.take(int(n))
}

// text takes a u16 length and a string, made safe to show.
func (r *reader) text(limit int) string {
	n := int(r.u16())
	return clean(string(r.take(n)), limit)
}

// name takes the text by which a person is shown. A name in which nothing can
// be seen is malformed: a window would say that nobody asks.
func (r *reader) name() string {
	s := r.text(MaxName)
	r.bad = r.bad || blank(s)
	return s
}

func (r *reader) copy(dst []byte) { copy(dst, r.take(len(dst))) }

// end reports whether everything was well formed and nothing is left over.
func (r *reader) end() error {
	if r.bad || len(r.b) != 0 {
		return ErrMalformed
	}
	return nil
}

func appendBytes(b, v []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
}

func appendText(b []byte, s string, limit int) []byte {
	s = clean(s, limit)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendFlag(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// lengthPrefixed joins parts so that no two lists of parts give the same bytes.
func lengthPrefixed(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = appendBytes(b, p)
	}
	return b
}
