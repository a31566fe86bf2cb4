package wire

import "encoding/binary"

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
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{Move: "move", Press: "press", Release: "release", Wheel: "wheel", KeyDown: "key down", KeyUp: "key up", ReleaseAll: "release all"}
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
// allowed. A fixed 28 bytes after the message type, big endian: kind u8, share
// u32, surface u16, gen u32, seq u32, x u16, y u16, button u8, dx i16, dy i16,
// key u16, flags u8 (1 = repeat), mods u8.
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
}

const inputSize = 28

// AppendInput appends the event's fixed form, without a message type.
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
	return append(b, byte(in.Mods))
}

// ParseInput is the only way from bytes to an Input. A button, wheel,
// key or repeat that the kind does not use must be zero; a position and a
// generation may be anything then.
func ParseInput(b []byte) (Input, error) {
	if len(b) != inputSize {
		return Input{}, ErrMalformed
	}
	r := reader{b: b}
	in := Input{
		Kind: Kind(r.u8()), Share: ShareID(r.u32()), Surface: SurfaceID(r.u16()), Gen: r.u32(), Seq: r.u32(),
		X: r.u16(), Y: r.u16(), Button: Button(r.u8()), DX: int16(r.u16()), DY: int16(r.u16()),
		Key: Key(r.u16()), Repeat: r.flag(), Mods: Mods(r.u8()),
	}
	if err := r.end(); err != nil {
		return Input{}, err
	}
	button, wheel, key := in.Button != 0, in.DX != 0 || in.DY != 0, in.Key != 0
	ok := false
	switch in.Kind {
	case Move, ReleaseAll:
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
