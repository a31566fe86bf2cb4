package rtc

import (
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"viewflip.app/wire"
)

const (
	// gapPatience is how long a missing packet is waited for at least before
	// the receiver gives up and asks for a refresh: two round trips and a
	// margin, on a network that is not slow.
	gapPatience = 150 * time.Millisecond
	gapMargin   = 50 * time.Millisecond
	maxPatience = 500 * time.Millisecond
	// nackDelay is how late a packet may come before it is asked for, and
	// nackInterval when it is asked for again at the earliest, at most nackLimit
	// times: an answer takes a round trip, and more than nackAhead of it under way
	// would be waste.
	nackDelay    = 3 * time.Millisecond
	nackInterval = 10 * time.Millisecond
	nackLimit    = 10
	nackAhead    = 3
	// maxNackPairs keeps a request within one packet.
	maxNackPairs = 250
	// maxReady bounds the frames that a slow reader has not taken yet.
	maxReady = 16
	// maxWaiting bounds the packets behind a gap.
	maxWaiting = 8192
	// maxFrame bounds one coded frame, in bytes.
	maxFrame = wire.MaxCoded
)

// part is one packet's share of a frame.
type part struct {
	timestamp uint32
	data      []byte
	first     bool
	alone     bool // it can be decoded without those before it
	last      bool
	at        time.Time
}

// assembler puts packets in order and together. It adds no delay: a frame is
// ready when its last missing packet has come.
type assembler struct {
	vp9      bool
	patience time.Duration
	again    time.Duration // from asking for a packet to asking once more
	losses   int           // how often frames were given up

	begun   bool
	want    int64 // extended sequence number of the next packet
	highest int64
	parts   map[int64]part
	frame   []byte
	open    bool // frame holds the beginning of a frame
	lost    bool
	since   time.Time     // since when want is missing
	asked   map[int64]int // how often a missing packet was asked for
	out     []Frame
	// loose are the bytes in parts, done those in out.
	loose, done int
}

// held is how many bytes wait here.
func (a *assembler) held() int { return a.loose + len(a.frame) + a.done }

func newAssembler(vp9 bool) *assembler {
	return &assembler{vp9: vp9, patience: gapPatience, again: nackInterval, parts: map[int64]part{}, asked: map[int64]int{}}
}

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
		x.data, x.first, x.alone = data, v.B, !v.P
	} else {
		if len(p.Payload) < 1 || p.Payload[0]&^startBit != 0 {
			return
		}
		x.data, x.first, x.alone = p.Payload[1:], p.Payload[0] == startBit, true // or the decoder refuses it
	}
	if len(a.parts) == 0 {
		a.since = now
	}
	a.parts[seq] = x
	a.loose += len(x.data)
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
		a.loose -= len(x.data)
		a.want++
		a.since = now
		if x.first {
			// VP9 would draw rubbish after a loss and not notice.
			a.frame, a.open = nil, x.alone || !a.lost
		}
		if !a.open {
			a.lose()
			continue
		}
		if a.frame = append(a.frame, x.data...); len(a.frame) > maxFrame {
			a.frame, a.open = nil, false
			a.lose()
			continue
		}
		if x.last {
			a.done += len(a.frame)
			a.out = append(a.out, Frame{Data: a.frame, Timestamp: x.timestamp, Received: x.at, Lost: a.lost, losses: a.losses})
			a.frame, a.open, a.lost = nil, false, false
		}
	}
}

// lose notes that the next frame is not the one after the last.
func (a *assembler) lose() {
	a.lost = true
	a.losses++
}

// ready is the oldest finished frame that nobody took.
func (a *assembler) ready() (Frame, bool) {
	if len(a.out) == 0 {
		return Frame{}, false
	}
	return a.out[0], true
}

// take takes it.
func (a *assembler) take() {
	a.done -= len(a.out[0].Data)
	a.out = a.out[1:]
}

// waiting reports whether packets wait behind a gap.
func (a *assembler) waiting() bool { return len(a.parts) > 0 }

// askIn is when to ask for what is missing.
func (a *assembler) askIn() time.Duration {
	if len(a.asked) == 0 {
		return nackDelay
	}
	return a.again
}

// trip sets how long a gap may last, by the round trip: a packet that is asked
// for again, and lost once more, has come by then.
func (a *assembler) trip(rtt time.Duration) {
	a.patience = min(max(gapPatience, 2*rtt+gapMargin), maxPatience)
	a.again = max(nackInterval, rtt/nackAhead)
}

// missing returns which packets to ask for now.
func (a *assembler) missing() []uint16 {
	var out []uint16
	for seq := range a.asked {
		if _, came := a.parts[seq]; came || seq < a.want {
			delete(a.asked, seq)
		}
	}
	if !a.waiting() {
		return nil
	}
	for seq := a.want; seq < a.highest; seq++ {
		if _, came := a.parts[seq]; !came && a.asked[seq] < nackLimit {
			a.asked[seq]++
			out = append(out, uint16(seq))
		}
	}
	return out
}

func (a *assembler) overdue(now time.Time) bool {
	return a.waiting() && (now.Sub(a.since) >= a.patience || len(a.parts) >= maxWaiting)
}

// skip gives the gap up and goes on with the next frame that begins behind it.
func (a *assembler) skip(now time.Time) {
	begin := a.highest + 1
	for seq, x := range a.parts {
		if x.first && seq < begin {
			begin = seq
		}
	}
	for seq, x := range a.parts {
		if seq < begin {
			a.loose -= len(x.data)
			delete(a.parts, seq)
		}
	}
	a.want, a.frame, a.open = begin, nil, false
	a.lose()
	a.advance(now)
	a.since = now
	for _, x := range a.parts { // the next gap has a time of its own
		if x.at.Before(a.since) {
			a.since = x.at
		}
	}
}
