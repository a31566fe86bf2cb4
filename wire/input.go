package wire

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// ShareID names a share of one device within one call.
type ShareID uint32

// SurfaceID names a surface of a share; 0 is the window itself.
type SurfaceID uint16

// Kind says what an input event does.
type Kind uint8

// The kinds of input.
const (
	Move Kind = iota + 1
	Press
	Release
	Wheel
	KeyDown
	KeyUp
	// ReleaseAll lets go of every key and button that is held.
	ReleaseAll
	// Text types characters that belong to no single key: what an input method
	// committed, or the rest of a composition.
	Text
)

// MaxText bounds the text of one event, in bytes of UTF-8.
const MaxText = 64

// String names the kind.
func (k Kind) String() string {
	names := [...]string{Move: "move", Press: "press", Release: "release", Wheel: "wheel", KeyDown: "key down", KeyUp: "key up", ReleaseAll: "release all", Text: "text"}
	if int(k) < len(names) && k != 0 {
		return names[k]
	}
	return "unknown"
}

// Button is a mouse button by its X11 number; 4 to 7 do not exist, because X11
// uses them for the wheel.
type Button uint8

// The buttons.
const (
	Left    Button = 1
	Middle  Button = 2
	Right   Button = 3
	Back    Button = 8
	Forward Button = 9
)

// Valid reports whether b is one of the buttons.
func (b Button) Valid() bool {
	switch b {
	case Left, Middle, Right, Back, Forward:
		return true
	}
	return false
}

// Mods is a snapshot of modifiers, for information only.
type Mods uint8

// The modifiers.
const (
	ModShift Mods = 1 << iota
	ModCtrl
	ModAlt
	ModSuper
)

// Input is one event exactly as the peer sent it: well formed, not yet
// allowed. A fixed 32 bytes after the message type, big endian: kind u8, share
// u32, surface u16, gen u32, seq u32, x u16, y u16, button u8, dx i16, dy i16,
// key u16, flags u8 (1 = repeat), mods u8, rune u32. Text alone has more: a
// u8 length, 1 to MaxText, and that many bytes of UTF-8.
type Input struct {
	Kind    Kind
	Share   ShareID
	Surface SurfaceID
	// Gen is the geometry generation of the picture it was aimed at.
	Gen uint32
	// Seq rises with every event of one viewer and share.
	Seq uint32
	// X and Y are the position in 65536ths of the surface, half-open.
	X, Y   uint16
	Button Button
	// DX and DY turn the wheel: 120 is one notch, +DY down, +DX right.
	DX, DY int16
	Key    Key
	// Repeat marks a key that is still held: it keeps it held.
	Repeat bool
	Mods   Mods
	// Rune is what the viewer's own keyboard types by a KeyDown of a key that
	// types: with Ctrl, Alt or Super held, the letter or digit on it. 0 leaves
	// the meaning to the sharer's layout.
	Rune rune
	// Text is of kind Text alone.
	Text string
}

// Typable reports whether r is a character that typing makes: printable, a
// space, or one of those that join and modify emoji and letters; no control
// character, nothing that changes the direction of text.
func Typable(r rune) bool {
	switch {
	case r == 0x200C, r == 0x200D, r >= 0xE0020 && r <= 0xE007F: // joiners; tags, as in flags
		return true
	case r == utf8.RuneError: // also stands for what is no UTF-8
		return false
	}
	return unicode.IsPrint(r) || unicode.Is(unicode.Zs, r)
}

// typable reports whether all of s is.
func typable(s string) bool {
	for _, r := range s {
		if !Typable(r) {
			return false
		}
	}
	return true
}

// AppendInput appends the event, without a message type.
func AppendInput(b []byte, in Input) []byte {
	b = append(b, byte(in.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(in.Share))
	b = binary.BigEndian.AppendUint16(b, uint16(in.Surface))
	b = binary.BigEndian.AppendUint32(b, in.Gen)
	b = binary.BigEndian.AppendUint32(b, in.Seq)
	b = binary.BigEndian.AppendUint16(b, in.X)
	b = binary.BigEndian.AppendUint16(b, in.Y)
	b = append(b, byte(in.Button))
	b = binary.BigEndian.AppendUint16(b, uint16(in.DX))
	b = binary.BigEndian.AppendUint16(b, uint16(in.DY))
	b = binary.BigEndian.AppendUint16(b, uint16(in.Key))
	b = appendFlag(b, in.Repeat)
	b = append(b, byte(in.Mods))
	b = binary.BigEndian.AppendUint32(b, uint32(in.Rune))
	if in.Kind == Text {
		b = append(append(b, byte(len(in.Text))), in.Text...)
	}
	return b
}

// ParseInput is the only way from bytes to an Input. A button, wheel,
// key, repeat, rune or text that the kind does not use must be zero; a position
// and a generation may be anything then.
func ParseInput(b []byte) (Input, error) {
	r := reader{b: b}
	in := Input{
		Kind: Kind(r.u8()), Share: ShareID(r.u32()), Surface: SurfaceID(r.u16()), Gen: r.u32(), Seq: r.u32(),
		X: r.u16(), Y: r.u16(), Button: Button(r.u8()), DX: int16(r.u16()), DY: int16(r.u16()),
		Key: Key(r.u16()), Repeat: r.flag(), Mods: Mods(r.u8()),
		Rune: rune(r.u32()),
	}
	if in.Kind == Text {
		in.Text = string(r.take(int(r.u8())))
	}
	if err := r.end(); err != nil {
		return Input{}, err
	}
	if in.Rune != 0 && (in.Kind != KeyDown || !in.Key.Types() || !Typable(in.Rune)) {
		return Input{}, ErrMalformed
	}
	if (in.Kind == Text) != (in.Text != "") || len(in.Text) > MaxText || !typable(in.Text) {
		return Input{}, ErrMalformed
	}
	button, wheel, key := in.Button != 0, in.DX != 0 || in.DY != 0, in.Key != 0
	ok := false
	switch in.Kind {
	case Move, ReleaseAll, Text:
		ok = !button && !wheel && !key && !in.Repeat
	case Press, Release:
		ok = in.Button.Valid() && !wheel && !key && !in.Repeat
	case Wheel:
		ok = !button && wheel && !key && !in.Repeat
	case KeyDown:
		ok = !button && !wheel && in.Key.Valid()
	case KeyUp:
		ok = !button && !wheel && in.Key.Valid() && !in.Repeat
	}
	if !ok || in.Mods > ModShift|ModCtrl|ModAlt|ModSuper {
		return Input{}, ErrMalformed
	}
	return in, nil
}

// Fraction maps the centre of pixel px of size to 65536ths; px is brought into
// [0,size). size is at most 16384.
func Fraction(px, size int) uint16 {
	if size <= 0 {
		return 0
	}
	px = min(max(px, 0), size-1)
	return uint16(((2*px + 1) << 16) / (2 * size))
}

// Pixel maps a fraction to a pixel of size, always in [0,size).
func Pixel(frac uint16, size int) int { return size * int(frac) >> 16 }
