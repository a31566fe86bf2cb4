package wire

import "encoding/binary"

// MaxSpots bounds the spots of one message about a stroke.
const MaxSpots = 64

// Spot is a place in a share's picture: 65536ths of its width and height,
// half-open, as Fraction makes them. It means the same at every size.
type Spot struct{ X, Y uint16 }

// Guest numbers the people who view one device's shares, from 0. It picks the
// colour of a person's pointer, so that it is the same on every screen.
type Guest uint8

// Step says which part of a stroke a message carries.
type Step uint8

// The steps of a stroke.
const (
	StrokeBegin Step = iota + 1
	StrokeMore
	StrokeEnd
)

type (
	// Point tells the sharer where a viewer points: on the lossy channel, and
	// again every second while they do. Not On means that they have stopped; At is
	// zero then.
	Point struct {
		Share ShareID
		// Gen is the geometry generation of the picture it was aimed at.
		Gen uint32
		// Seq rises with every Point of one viewer and share; what comes late is
		// dropped.
		Seq uint32
		At  Spot
		On  bool
	}
	// Stroke carries a part of a line that a viewer draws, on the ordered
	// channel. Only the end may carry no spots.
	Stroke struct {
		Share ShareID
		Gen   uint32
		// ID is the viewer's own number of the stroke.
		ID    uint32
		Step  Step
		Spots []Spot
	}
	// GuestPoint is a Point as the sharer hands it on to the other viewers. Seq
	// is the sharer's.
	GuestPoint struct {
		Share ShareID
		Guest Guest
		Name  string
		Seq   uint32
		At    Spot
		On    bool
	}
	// GuestStroke is a Stroke as the sharer hands it on.
	GuestStroke struct {
		Share ShareID
		Guest Guest
		ID    uint32
		Step  Step
		Spots []Spot
	}
	// GuestNumber tells a viewer which guest they are themselves.
	GuestNumber struct {
		Share ShareID
		Guest Guest
	}
)

const (
	typePoint byte = iota + 0x40
	typeStroke
	typeGuestPoint
	typeGuestStroke
	typeGuestNumber
)

func (Point) message() byte       { return typePoint }
func (Stroke) message() byte      { return typeStroke }
func (GuestPoint) message() byte  { return typeGuestPoint }
func (GuestStroke) message() byte { return typeGuestStroke }
func (GuestNumber) message() byte { return typeGuestNumber }

// appendMark appends the fields of a message of this file.
func appendMark(b []byte, m Message) []byte {
	be := binary.BigEndian
	switch m := m.(type) {
	case Point:
		b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, uint32(m.Share)), m.Gen), m.Seq)
		b = appendFlag(appendSpot(b, m.At), m.On)
	case Stroke:
		b = be.AppendUint32(be.AppendUint32(be.AppendUint32(b, uint32(m.Share)), m.Gen), m.ID)
		b = appendSpots(append(b, byte(m.Step)), m.Spots)
	case GuestPoint:
		b = appendText(append(be.AppendUint32(b, uint32(m.Share)), byte(m.Guest)), m.Name, MaxName)
		b = appendFlag(appendSpot(be.AppendUint32(b, m.Seq), m.At), m.On)
	case GuestStroke:
		b = be.AppendUint32(append(be.AppendUint32(b, uint32(m.Share)), byte(m.Guest)), m.ID)
		b = appendSpots(append(b, byte(m.Step)), m.Spots)
	case GuestNumber:
		b = append(be.AppendUint32(b, uint32(m.Share)), byte(m.Guest))
	}
	return b
}

// parseMark reads the fields of a message of this file.
func parseMark(kind byte, r *reader) (Message, bool) {
	switch kind {
	case typePoint:
		p := Point{Share: ShareID(r.u32()), Gen: r.u32(), Seq: r.u32(), At: r.spot(), On: r.flag()}
		return p, p.On || p.At == Spot{}
	case typeStroke:
		s := Stroke{Share: ShareID(r.u32()), Gen: r.u32(), ID: r.u32(), Step: Step(r.u8()), Spots: r.spots()}
		return s, s.Step.fits(s.Spots)
	case typeGuestPoint:
		p := GuestPoint{Share: ShareID(r.u32()), Guest: Guest(r.u8()), Name: r.text(MaxName), Seq: r.u32(), At: r.spot(), On: r.flag()}
		if p.On {
			return p, !blank(p.Name)
		}
		return p, p.At == Spot{} // whose pointer goes is known
	case typeGuestStroke:
		s := GuestStroke{Share: ShareID(r.u32()), Guest: Guest(r.u8()), ID: r.u32(), Step: Step(r.u8()), Spots: r.spots()}
		return s, s.Step.fits(s.Spots)
	case typeGuestNumber:
		return GuestNumber{Share: ShareID(r.u32()), Guest: Guest(r.u8())}, true
	}
	return nil, false
}

// fits reports whether s is a step that may carry these spots.
func (s Step) fits(spots []Spot) bool {
	return s == StrokeEnd || (s == StrokeBegin || s == StrokeMore) && len(spots) > 0
}

func appendSpot(b []byte, s Spot) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, s.X), s.Y)
}

// appendSpots appends a u8 count and the spots, at most MaxSpots.
func appendSpots(b []byte, spots []Spot) []byte {
	spots = spots[:min(len(spots), MaxSpots)]
	b = append(b, byte(len(spots)))
	for _, s := range spots {
		b = appendSpot(b, s)
	}
	return b
}

func (r *reader) spot() Spot { return Spot{X: r.u16(), Y: r.u16()} }

// spots takes a u8 count and that many spots.
func (r *reader) spots() []Spot {
	n := int(r.u8())
	if n > MaxSpots {
		r.bad = true
	}
	var out []Spot
	for range n {
		if r.bad {
			return nil
		}
		out = append(out, r.spot())
	}
	return out
}
