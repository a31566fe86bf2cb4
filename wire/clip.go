package wire

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Limits of what passes through the clipboard, in bytes.
const (
	MaxClip = 8 << 20
	// ClipPart is the most that one message carries.
	ClipPart = 12 << 10
)

// ClipKind is what a clip holds.
type ClipKind uint8

// The kinds.
const (
	ClipText ClipKind = iota + 1 // UTF-8
	ClipPNG
)

// Clip is one part of a content of the clipboard: Data stands at Offset of
// Total bytes. Parts come in order on the ordered channel; one at offset 0
// begins anew.
type Clip struct {
	Kind          ClipKind
	Total, Offset uint32
	Data          []byte
}

type (
	// Paste brings what the viewer pastes. It is kept until their next paste
	// gesture, and used for that alone.
	Paste struct {
		Share ShareID
		Clip
	}
	// Copied brings what the viewer's copy gesture has copied in the share.
	Copied struct {
		Share ShareID
		Clip
	}
)

const (
	typePaste byte = iota + 0x70
	typeCopied
)

func (Paste) message() byte  { return typePaste }
func (Copied) message() byte { return typeCopied }

func appendClip(b []byte, s ShareID, c Clip) []byte {
	b = append(binary.BigEndian.AppendUint32(b, uint32(s)), byte(c.Kind))
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, c.Total), c.Offset)
	return appendBytes(b, c.Data)
}

// clip takes a part. An empty content is one empty part.
func (r *reader) clip() (c Clip) {
	c = Clip{Kind: ClipKind(r.u8()), Total: r.u32(), Offset: r.u32(), Data: bytes.Clone(r.bytes(ClipPart))}
	r.bad = r.bad || c.Kind != ClipText && c.Kind != ClipPNG || c.Total > MaxClip || c.Offset > c.Total ||
		uint32(len(c.Data)) > c.Total-c.Offset || len(c.Data) == 0 && c.Total != 0
	return c
}

// ClipParts calls f with the parts of a content until it fails. ErrTooLarge if
// it is over MaxClip.
func ClipParts(kind ClipKind, data []byte, f func(Clip) error) error {
	if len(data) > MaxClip {
		return ErrTooLarge
	}
	for at := 0; at < len(data) || at == 0; at += ClipPart {
		part := data[at:min(at+ClipPart, len(data))]
		if err := f(Clip{Kind: kind, Total: uint32(len(data)), Offset: uint32(at), Data: part}); err != nil {
			return err
		}
	}
	return nil
}

// ClipBox puts parts together. The zero ClipBox is empty.
type ClipBox struct {
	kind  ClipKind
	total uint32
	data  []byte
}

// Add takes the next part; done is true with the last one, and data is the
// whole then. What does not fit together, or is not what it claims to be, is
// dropped.
func (b *ClipBox) Add(c Clip) (data []byte, done bool) {
	if c.Offset == 0 {
		*b = ClipBox{kind: c.Kind, total: c.Total}
	}
	if b.kind != c.Kind || b.total != c.Total || c.Offset != uint32(len(b.data)) {
		*b = ClipBox{}
		return nil, false
	}
	b.data = append(b.data, c.Data...)
	if uint32(len(b.data)) < b.total {
		return nil, false
	}
	data = b.data
	*b = ClipBox{}
	switch c.Kind {
	case ClipText:
		done = utf8.Valid(data)
	case ClipPNG:
		done = bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) // W3C PNG, 5.2
	}
	if !done {
		data = nil
	}
	return data, done
}

// Keys of the gestures, by their HID usage.
const (
	keyC      Key = 0x06
	keyV      Key = 0x19
	keyX      Key = 0x1b
	keyInsert Key = 0x49
)

func (in Input) gesture() bool {
	return in.Kind == KeyDown && !in.Repeat && in.Mods&(ModAlt|ModSuper) == 0
}

// means reports whether a key of a chord is that of a letter, by what it types
// at the viewer or, if that is not said, by its place.
func (in Input) means(k Key) bool {
	if in.Rune != 0 {
		return in.Rune == k.Letter()
	}
	return in.Key == k
}

// Pastes reports whether an event is a paste gesture: Ctrl+V, Ctrl+Shift+V or
// Shift+Insert.
func (in Input) Pastes() bool {
	return in.gesture() && (in.means(keyV) && in.Mods&ModCtrl != 0 || in.PastesPrimary())
}

// PastesPrimary reports whether an event is Shift+Insert, which old X programs
// paste the primary selection on.
func (in Input) PastesPrimary() bool {
	return in.gesture() && in.Key == keyInsert && in.Mods == ModShift
}

// Copies reports whether an event is a copy gesture: Ctrl+C, Ctrl+X, with
// Shift or without, or Ctrl+Insert.
func (in Input) Copies() bool {
	return in.gesture() && in.Mods&ModCtrl != 0 && (in.means(keyC) || in.means(keyX) || in.Key == keyInsert)
}
