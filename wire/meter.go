package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// MaxEchoes bounds the inputs that one Measured tells of.
const MaxEchoes = 8

type (
	// Measure asks the sharer for one Measured. Both take the lossy channel.
	Measure struct{ Share ShareID }
	// Measured tells how long the last pictures for this viewer took on the
	// sharer's machine, and which of their inputs they show.
	Measured struct {
		Share ShareID
		// Capture is the reading of pixels, Wait from then until they were
		// compressed, Encode that, and Network the way to the viewer: half of the
		// time until the Ack, without what the viewer held.
		Capture, Wait, Encode, Network Spread
		Echoes                         []Echo
	}
	// Spread is two percentiles of a time, 0 where nothing was measured; on the
	// wire in microseconds.
	Spread struct{ P50, P95 time.Duration }
	// Echo tells that the coded frame with this RTP timestamp is the first that
	// was captured after input Seq had been carried out.
	Echo struct{ Seq, Timestamp uint32 }
)

const (
	typeMeasure byte = iota + 0x88
	typeMeasured
)

func (Measure) message() byte  { return typeMeasure }
func (Measured) message() byte { return typeMeasured }

// appendMeter appends the fields of a message of this file.
func appendMeter(b []byte, m Message) []byte {
	be := binary.BigEndian
	switch m := m.(type) {
	case Measure:
		b = be.AppendUint32(b, uint32(m.Share))
	case Measured:
		b = be.AppendUint32(b, uint32(m.Share))
		for _, s := range []Spread{m.Capture, m.Wait, m.Encode, m.Network} {
			b = be.AppendUint32(be.AppendUint32(b, micros(s.P50)), micros(s.P95))
		}
		echoes := m.Echoes[:min(len(m.Echoes), MaxEchoes)]
		b = append(b, byte(len(echoes)))
		for _, e := range echoes {
			b = be.AppendUint32(be.AppendUint32(b, e.Seq), e.Timestamp)
		}
	}
	return b
}

func micros(d time.Duration) uint32 { return uint32(min(max(d.Microseconds(), 0), math.MaxUint32)) }

// parseMeter reads the fields of a message of this file.
func parseMeter(kind byte, r *reader) (Message, bool) {
	if kind == typeMeasure {
		return Measure{Share: ShareID(r.u32())}, true
	}
	m := Measured{Share: ShareID(r.u32()), Capture: r.spread(), Wait: r.spread(), Encode: r.spread(), Network: r.spread()}
	n := r.u8()
	for range min(n, MaxEchoes) {
		m.Echoes = append(m.Echoes, Echo{Seq: r.u32(), Timestamp: r.u32()})
	}
	return m, n <= MaxEchoes
}

func (r *reader) spread() Spread { return Spread{r.duration(), r.duration()} }

// duration takes a u32 of microseconds.
func (r *reader) duration() time.Duration { return time.Duration(r.u32()) * time.Microsecond }
