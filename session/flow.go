package session

import (
	"sync"
	"time"
)

const (
	// minWindow is how many bytes may always be on their way.
	minWindow = 12 << 10
	// startRate, in bytes a second, is taken for the link's until a picture has
	// told more, and startBurst bytes go at once then.
	startRate  = 250e3
	startBurst = 64 << 10
	// minRate is what silence brings the rate down to at least.
	minRate = 30e3
	// paceGain times the rate is how fast a picture goes: a little faster than
	// the link is thought to be shows whether it is. As long as that grows, it is
	// probeGain, and there is twice as much on its way.
	paceGain, probeGain = 1.5, 3
	// windowTime times the delivery rate is how much may be on its way beyond
	// one round trip: more would only queue.
	windowTime = 20 * time.Millisecond
	// grown is what counts as growth, and after stale round trips without any
	// the rate is the link's.
	grown, stale = 1.25, 3
	// maxOutstanding bounds the list of unacknowledged frames.
	maxOutstanding = 512
	// minPatience is the least time after which silence counts as a lost
	// acknowledgement.
	minPatience = 250 * time.Millisecond
	// firstPatience is for the first picture, for which the viewer opens a window.
	firstPatience = time.Second
)

// flow keeps little on its way to one viewer: the next picture is coded only
// when the viewer has shown nearly all before it, and what changed meanwhile
// is merged. Latency cannot queue, whatever the link.
type flow struct {
	mu          sync.Mutex
	frames      []sentFrame
	outstanding int
	forgiven    int     // of outstanding, for which nobody waits any more
	rate        float64 // bytes per second, smoothed; 0 until one is known
	steady      bool    // rate was measured since the last silence
	found       int     // round trips in a row without growth
	round       int     // what will be delivered when this one ends
	base        float64 // the rate when it began
	rtt         time.Duration
	least       time.Duration // that a picture took: what size does not explain
	last        time.Time
	// delivered are all bytes that were acknowledged, at last at deliveredAt,
	// or when the first was sent after all were.
	delivered   int
	deliveredAt time.Time
	full        bool // a picture had to wait since the last one was sent
}

type sentFrame struct {
	timestamp uint32
	size      int
	at        time.Time
	// before is what had been delivered then, at last at beforeAt.
	before   int
	beforeAt time.Time
	alone    bool // nothing else was on its way
	waited   bool // until less was
}

// sent takes note of a picture that was handed over from began to now.
func (f *flow) sent(timestamp uint32, size int, began, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.frames) == maxOutstanding {
		f.outstanding -= f.frames[0].size
		f.forgiven = max(0, f.forgiven-f.frames[0].size)
		f.frames = f.frames[1:]
	}
	alone := len(f.frames) == 0 || began.Sub(f.last) > f.patienceLocked()
	if alone {
		f.deliveredAt = began
	}
	f.frames = append(f.frames, sentFrame{timestamp, size, began, f.delivered, f.deliveredAt, alone, f.full})
	f.outstanding += size
	f.full = false
	f.last = now
}

// acked takes note that everything up to timestamp is visible, and was held by
// the viewer for that long after it had arrived.
func (f *flow) acked(timestamp uint32, held time.Duration, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, bytes := 0, 0
	for _, s := range f.frames {
		if int32(timestamp-s.timestamp) < 0 { // wraps like RTP timestamps do
			break
		}
		n++
		bytes += s.size
	}
	if n == 0 {
		return
	}
	p := f.frames[n-1]
	took := max(now.Sub(p.at), time.Millisecond)
	if f.rtt == 0 { // it opened the viewer's window, too
		took = max(took-held, time.Millisecond)
		f.rtt = took
	}
	f.delivered += bytes
	f.learn(p, bytes, took, now)
	if f.least == 0 {
		f.least = took
	}
	f.rtt += (took - f.rtt) / 8
	f.least = min(f.least, took)
	f.outstanding -= bytes
	f.forgiven = max(0, f.forgiven-bytes)
	f.frames = append(f.frames[:0], f.frames[n:]...)
	f.last, f.deliveredAt = now, now
}

// learn takes a sample of the rate. The delivery rate (as in
// draft-cheng-iccrg-delivery-rate-estimation) tells it while pictures follow each
// other; of one that was alone it is what its size explains.
func (f *flow) learn(p sentFrame, bytes int, took time.Duration, now time.Time) {
	var low, high float64 // the link is no slower, and no faster
	if p.alone {
		// Half of it at most, lest an unlucky least make the link look fast.
		low = float64(bytes) / (took - min(f.least, took/2)).Seconds()
		high = float64(bytes) / max(took-f.least, time.Millisecond).Seconds()
	} else {
		bytes = f.delivered - p.before
		low = float64(bytes) / max(now.Sub(p.beforeAt), time.Millisecond).Seconds()
		if high = low; !p.waited { // there was no more to send
			high = max(low, f.rate)
		}
	}
	if bytes < minWindow { // small frames say nothing about the link
		return
	}
	switch {
	case !f.steady:
		f.rate, f.steady = low, f.least > 0 // with the round trip in it, it is too low
		return
	case low > f.rate && f.probing():
		f.rate = low
	case low > f.rate: // Pace has held it down
		f.rate += (low - f.rate) / 2
	case high < f.rate:
		f.rate += (high - f.rate) / 4
	}
	if p.before < f.round {
		return
	}
	if f.rate > grown*f.base {
		f.found = 0
	} else if p.waited {
		f.found++
	}
	f.round, f.base = f.delivered, f.rate
}

// probing reports whether more is worth a try.
func (f *flow) probing() bool { return f.found < stale }

// open reports whether the next picture may be coded.
func (f *flow) open(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outstanding-f.forgiven <= f.window() {
		return true
	}
	f.full = true
	if now.Sub(f.last) < f.patienceLocked() {
		return false
	}
	// The acknowledgements were lost, or the link is full.
	if f.rate > 0 {
		f.rate, f.steady, f.found = max(f.rate/2, minRate), false, stale
	}
	f.forgiven = f.outstanding
	return true
}

// forgive gives up what is on its way: the viewer asks for all anew.
func (f *flow) forgive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forgiven = f.outstanding
}

// window is how many bytes may be on their way: what the link holds, and a
// little more.
func (f *flow) window() int {
	holds := f.rate * f.least.Seconds()
	if f.probing() {
		holds *= 2
	}
	return int(holds) + f.piece()
}

// piece is what goes through the link in a short time.
func (f *flow) piece() int { return max(minWindow, int(f.rate*windowTime.Seconds())) }

// pace is what reaches the viewer, in bytes a second, a careful guess as long as
// nobody knows, and how many bytes may be sent at a time though nothing changed.
func (f *flow) pace() (rate float64, piece int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rate == 0 {
		return startRate, f.piece()
	}
	return f.rate, f.piece()
}

// limit is how fast a picture may go, in bytes a second, and how much at once.
func (f *flow) limit() (rate float64, burst int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rate == 0 {
		return probeGain * startRate, startBurst
	}
	if f.probing() {
		return probeGain * f.rate, f.piece()
	}
	return paceGain * f.rate, f.piece()
}

// patience is how long to wait before asking open again without news.
func (f *flow) patience() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.patienceLocked() + time.Millisecond
}

func (f *flow) patienceLocked() time.Duration {
	if f.rtt == 0 {
		return firstPatience
	}
	return max(minPatience, 4*f.rtt)
}
