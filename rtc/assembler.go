package rtc

import (
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

const (
	// gapPatience is how long a missing packet is waited for before the
	// receiver gives up and asks for a refresh.
	gapPatience = 150 * time.Millisecond
	// maxWaiting bounds the packets behind a gap.
	maxWaiting = 8192
	// maxFrame bounds one coded frame, in bytes.
	maxFrame = 32 << 20
)

// part is one packet's share of a frame.
type part struct {
	timestamp uint32
	data      []byte
	first     bool
	last      bool
	at        time.Time
}

// assembler puts packets in order and together. It adds no delay: a frame is
// ready when its last missing packet has come.
type assembler struct {
	vp9     bool
	begun   bool
	want    int64 // extended sequence number of the next packet
	highest int64
	parts   map[int64]part
	frame   []byte
	open    bool // frame holds the beginning of a frame
	lost    bool
	since   time.Time // since when want is missing
	out     []Frame
}

func newAssembler(vp9 bool) *assembler { return &assembler{vp9: vp9, parts: map[int64]part{}} }

// push takes one packet; duplicates and what is too late are dropped.
func (a *assembler) push(p *rtp.Packet, now time.Time) {
	if !a.begun {
		a.begun, a.want, a.highest = true, int64(p.SequenceNumber), int64(p.SequenceNumber)
	}
	seq := a.highest + int64(int16(p.SequenceNumber-uint16(a.highest)))
	if seq < a.want {
		return
	}
	if _, twice := a.parts[seq]; twice || len(a.parts) >= maxWaiting {
		return
	}
	x := part{timestamp: p.Timestamp, last: p.Marker, at: now}
	if a.vp9 {
		var v codecs.VP9Packet
		data, err := v.Unmarshal(p.Payload)
		if err != nil {
			return
		}
		x.data, x.first = data, v.B
	} else {
		if len(p.Payload) < 1 || p.Payload[0]&^startBit != 0 {
			return
		}
		x.data, x.first = p.Payload[1:], p.Payload[0] == startBit
	}
	if len(a.parts) == 0 {
		a.since = now
	}
	a.parts[seq] = x
	a.highest = max(a.highest, seq)
	a.advance(now)
}

// advance joins what is contiguous.
func (a *assembler) advance(now time.Time) {
	for {
		x, ok := a.parts[a.want]
		if !ok {
			return
		}
		delete(a.parts, a.want)
		a.want++
		a.since = now
		if x.first {
			a.frame, a.open = nil, true
		}
		if !a.open {
			a.lost = true
			continue
		}
		if a.frame = append(a.frame, x.data...); len(a.frame) > maxFrame {
			a.frame, a.open, a.lost = nil, false, true
			continue
		}
		if x.last {
			a.out = append(a.out, Frame{Data: a.frame, Timestamp: x.timestamp, Received: x.at, Lost: a.lost})
			a.frame, a.open, a.lost = nil, false, false
		}
	}
}

// next returns a finished frame.
func (a *assembler) next() (Frame, bool) {
	if len(a.out) == 0 {
		return Frame{}, false
	}
	f := a.out[0]
	a.out = a.out[1:]
	return f, true
}

// waiting reports whether packets wait behind a gap.
func (a *assembler) waiting() bool { return len(a.parts) > 0 }

func (a *assembler) overdue(now time.Time) bool {
	return a.waiting() && (now.Sub(a.since) >= gapPatience || len(a.parts) >= maxWaiting)
}

// skip gives the gap up and goes on with the next frame that begins behind it.
func (a *assembler) skip() {
	begin := a.highest + 1
	for seq, x := range a.parts {
		if x.first && seq < begin {
			begin = seq
		}
	}
	for seq := range a.parts {
		if seq < begin {
			delete(a.parts, seq)
		}
	}
	a.want, a.frame, a.open, a.lost = begin, nil, false, true
	a.advance(a.since)
}
