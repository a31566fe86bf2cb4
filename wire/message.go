package wire

import "encoding/binary"

// MaxMessage bounds a message on the data channels, in bytes.
const MaxMessage = 16 << 10

// Message is what peers say to each other on the data channels once they are
// connected. The set is closed. The first byte of a message is its type; the
// fields follow in the order of the struct, big endian, strings with a u16
// length.
//
// The ordered reliable channel "control" carries everything; the unordered
// channel "motion", without retransmission, carries Move inputs, Ack, Point,
// GuestPoint, CursorPosition, Measure and Measured.
type Message interface{ message() byte }

// CloseReason is why a share is over.
type CloseReason uint8

// The reasons.
const (
	CloseStopped CloseReason = iota + 1 // the sharer stopped it
	CloseWindow                         // the window was closed
	CloseFailed                         // capture or the connection failed
)

// String is a few words for people.
func (r CloseReason) String() string {
	switch r {
	case CloseStopped:
		return "sharing was stopped"
	case CloseWindow:
		return "the window was closed"
	case CloseFailed:
		return "the connection or the capture failed"
	}
	return "running"
}

// ByeReason is why a peer leaves.
type ByeReason uint8

// The reasons.
const (
	ByeLeft ByeReason = iota + 1
	ByeRemoved
	ByeProtocol
)

type (
	// Hello is the first message each way.
	Hello struct {
		Version uint16
		Name    string
	}
	// ShareOpened offers a window. W and H are pixels; Track is the id of the
	// media track that will carry its picture.
	ShareOpened struct {
		Share      ShareID
		Title, App string
		W, H       uint16
		Gen        uint32
		Track      string
	}
	// ShareChanged tells of a new title, size or state. Main is the window's own
	// content in the picture of W by H pixels; the rest of it, and Surfaces,
	// bottom first, is what belongs to the window. While it is TooLarge, which it is
	// not while it is Hidden, no picture is sent.
	ShareChanged struct {
		Share    ShareID
		Title    string
		W, H     uint16
		Gen      uint32
		Hidden   bool
		TooLarge bool
		Main     Rect
		Surfaces []Surface
	}
	// ShareClosed ends a share.
	ShareClosed struct {
		Share  ShareID
		Reason CloseReason
	}
	// Watch asks the sharer to start or stop sending the picture.
	Watch struct {
		Share ShareID
		On    bool
	}
	// Ask asks the sharer for rights.
	Ask struct {
		Share  ShareID
		Rights Rights
	}
	// Granted tells the viewer the rights in force and when each ends; Answer
	// marks the reply to an Ask.
	Granted struct {
		Share  ShareID
		Rights Rights
		Answer bool
		Ends   Ends
	}
	// GiveBack tells the sharer that the viewer lays down these rights.
	GiveBack struct {
		Share  ShareID
		Rights Rights
	}
	// Refused tells why an input was not performed.
	Refused struct {
		Share  ShareID
		Seq    uint32
		Reason Reason
	}
	// Ack tells that the frame with this RTP timestamp, and all before it, are
	// visible. Held is the time from its arrival to that, in microseconds.
	Ack struct {
		Share     ShareID
		Surface   SurfaceID
		Timestamp uint32
		Held      uint32
	}
	// Bye ends the connection.
	Bye struct{ Reason ByeReason }
)

const (
	typeHello byte = iota + 1
	typeShareOpened
	typeShareChanged
	typeShareClosed
	typeWatch
	typeAsk
	typeGranted
	typeRefused
	typeAck
	typeBye
	typeInput

	typeGiveBack byte = 0x50
)

func (Hello) message() byte        { return typeHello }
func (ShareOpened) message() byte  { return typeShareOpened }
func (ShareChanged) message() byte { return typeShareChanged }
func (ShareClosed) message() byte  { return typeShareClosed }
func (Watch) message() byte        { return typeWatch }
func (Ask) message() byte          { return typeAsk }
func (Granted) message() byte      { return typeGranted }
func (GiveBack) message() byte     { return typeGiveBack }
func (Refused) message() byte      { return typeRefused }
func (Ack) message() byte          { return typeAck }
func (Bye) message() byte          { return typeBye }
func (Input) message() byte        { return typeInput }

const maxTrackID = 64

// MaxCoded bounds one coded frame of a picture, in bytes.
const MaxCoded = 32 << 20

// How a window appears to those who watch it, as it travels.
const (
	appearsWhole byte = iota
	appearsHidden
	appearsTooLarge
)

func (m ShareChanged) appearance() byte {
	switch {
	case m.Hidden:
		return appearsHidden
	case m.TooLarge:
		return appearsTooLarge
	default:
		return appearsWhole
	}
}

func (r *reader) appearance() (hidden, tooLarge bool) {
	v := r.u8()
	r.bad = r.bad || v > appearsTooLarge
	return v == appearsHidden, v == appearsTooLarge
}

// AppendMessage appends a message to b. It fails only for a message over
// MaxMessage, which no message of this package's own limits can be.
func AppendMessage(b []byte, m Message) ([]byte, error) {
	be := binary.BigEndian
	start := len(b)
	b = append(b, m.message())
	switch m := m.(type) {
	case Hello:
		b = appendText(be.AppendUint16(b, m.Version), m.Name, MaxName)
	case ShareOpened:
		b = be.AppendUint32(b, uint32(m.Share))
		b = appendText(appendText(b, m.Title, MaxTitle), m.App, MaxName)
		b = be.AppendUint32(be.AppendUint16(be.AppendUint16(b, m.W), m.H), m.Gen)
		b = appendText(b, m.Track, maxTrackID)
	case ShareChanged:
		b = appendText(be.AppendUint32(b, uint32(m.Share)), m.Title, MaxTitle)
		b = be.AppendUint32(be.AppendUint16(be.AppendUint16(b, m.W), m.H), m.Gen)
		b = appendSurfaces(appendRect(append(b, m.appearance()), m.Main), m.Surfaces)
	case ShareClosed:
		b = append(be.AppendUint32(b, uint32(m.Share)), byte(m.Reason))
	case Watch:
		b = appendFlag(be.AppendUint32(b, uint32(m.Share)), m.On)
	case Ask:
		b = append(be.AppendUint32(b, uint32(m.Share)), byte(m.Rights))
	case Granted:
		b = appendFlag(append(be.AppendUint32(b, uint32(m.Share)), byte(m.Rights)), m.Answer)
		b = appendEnds(b, m.Ends)
	case GiveBack:
		b = append(be.AppendUint32(b, uint32(m.Share)), byte(m.Rights))
	case Paste:
		b = appendClip(b, m.Share, m.Clip)
	case Copied:
		b = appendClip(b, m.Share, m.Clip)
	case Refused:
		b = append(be.AppendUint32(be.AppendUint32(b, uint32(m.Share)), m.Seq), byte(m.Reason))
	case Ack:
		b = be.AppendUint16(be.AppendUint32(b, uint32(m.Share)), uint16(m.Surface))
		b = be.AppendUint32(be.AppendUint32(b, m.Timestamp), m.Held)
	case Bye:
		b = append(b, byte(m.Reason))
	case Input:
		b = AppendInput(b, m)
	case Point, Stroke, GuestPoint, GuestStroke, GuestNumber:
		b = appendMark(b, m)
	case CursorShape, CursorPosition:
		b = appendCursor(b, m)
	case Measure, Measured:
		b = appendMeter(b, m)
	case Check:
		b = be.AppendUint32(b, uint32(m.Share))
	case PhraseCommit, PhraseNonce, PhraseReveal:
		b = appendPhrase(b, m)
	}
	if len(b)-start > MaxMessage {
		return b[:start], ErrTooLarge
	}
	return b, nil
}

// ParseMessage is the only way from a peer's bytes to a Message.
func ParseMessage(b []byte) (Message, error) { //nolint:funlen // a table: one case a kind, nothing but its fields
	if len(b) == 0 {
		return nil, ErrMalformed
	}
	if len(b) > MaxMessage {
		return nil, ErrTooLarge
	}
	if b[0] == typeInput {
		in, err := ParseInput(b[1:])
		if err != nil {
			return nil, err
		}
		return in, nil
	}
	r := &reader{b: b[1:]}
	var m Message
	ok := true
	switch b[0] {
	case typeHello:
		h := Hello{Version: r.u16(), Name: r.name()}
		m, ok = h, h.Version != 0
	case typeShareOpened:
		s := ShareOpened{Share: ShareID(r.u32()), Title: r.text(MaxTitle), App: r.text(MaxName), W: r.u16(), H: r.u16(), Gen: r.u32(), Track: r.text(maxTrackID)}
		m, ok = s, s.Share != 0 && s.Track != ""
	case typeShareChanged:
		s := ShareChanged{Share: ShareID(r.u32()), Title: r.text(MaxTitle), W: r.u16(), H: r.u16(), Gen: r.u32()}
		s.Hidden, s.TooLarge = r.appearance()
		s.Main = r.rect()
		s.Surfaces = r.surfaces(s.W, s.H)
		m, ok = s, s.Main.in(s.W, s.H) || s.W == 0 || s.H == 0
	case typeShareClosed:
		s := ShareClosed{Share: ShareID(r.u32()), Reason: CloseReason(r.u8())}
		m, ok = s, s.Reason >= CloseStopped && s.Reason <= CloseFailed
	case typeWatch:
		m = Watch{Share: ShareID(r.u32()), On: r.flag()}
	case typeAsk:
		a := Ask{Share: ShareID(r.u32()), Rights: Rights(r.u8())}
		m, ok = a, a.Rights != 0 && a.Rights&^allRights == 0
	case typeGranted:
		g := Granted{Share: ShareID(r.u32()), Rights: Rights(r.u8()), Answer: r.flag()}
		g.Ends = r.ends(g.Rights)
		m, ok = g, g.Rights&^allRights == 0
	case typeGiveBack:
		g := GiveBack{Share: ShareID(r.u32()), Rights: Rights(r.u8())}
		m, ok = g, g.Rights != 0 && g.Rights&^allRights == 0
	case typePaste:
		m = Paste{Share: ShareID(r.u32()), Clip: r.clip()}
	case typeCopied:
		m = Copied{Share: ShareID(r.u32()), Clip: r.clip()}
	case typeRefused:
		f := Refused{Share: ShareID(r.u32()), Seq: r.u32(), Reason: Reason(r.u8())}
		m, ok = f, f.Reason.Valid()
	case typeAck:
		m = Ack{Share: ShareID(r.u32()), Surface: SurfaceID(r.u16()), Timestamp: r.u32(), Held: r.u32()}
	case typeBye:
		y := Bye{Reason: ByeReason(r.u8())}
		m, ok = y, y.Reason >= ByeLeft && y.Reason <= ByeProtocol
	case typeCursorShape, typeCursorPosition:
		m, ok = parseCursor(b[0], r)
	case typeMeasure, typeMeasured:
		m, ok = parseMeter(b[0], r)
	case typeCheck:
		m = Check{Share: ShareID(r.u32())}
	case typePhraseCommit, typePhraseNonce, typePhraseReveal:
		m = parsePhrase(b[0], r)
	default:
		m, ok = parseMark(b[0], r)
	}
	if err := r.end(); err != nil || !ok {
		return nil, ErrMalformed
	}
	return m, nil
}
