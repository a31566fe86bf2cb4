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
	// the link is thought to be shows whether it is.
	paceGain = 1.5
	// windowTime times the delivery rate is how much may be on its way beyond
	// one round trip: more would only queue.
	windowTime = 20 * time.Millisecond
	// maxOutstanding bounds the list of unacknowledged frames.
	maxOutstanding = 512
	// minPatience is the least time after which silence counts as a lost
	// acknowledgement.
	minPatience = 250 * time.Millisecond
)

// flow keeps little on its way to one viewer: the next picture is coded only
// when the viewer has shown nearly all before it, and what changed meanwhile
// is merged. Latency cannot queue, whatever the link.
type flow struct {
	mu          sync.Mutex
	frames      []sentFrame
	outstanding int
	rate        float64 // bytes per second, smoothed; 0 until one is known
	steady      bool    // rate was measured since the last silence
	rtt         time.Duration
	least       time.Duration // that a picture took: what size does not explain
	last        time.Time
}

type sentFrame struct {
	timestamp uint32
	size      int
	at        time.Time
}

// sent takes note of a picture that was handed over from began to now.
func (f *flow) sent(timestamp uint32, size int, began, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.frames) == maxOutstanding {
		f.outstanding -= f.frames[0].size
		f.frames = f.frames[1:]
	}
	f.frames = append(f.frames, sentFrame{timestamp, size, began})
	f.outstanding += size
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
	took := max(now.Sub(f.frames[n-1].at), time.Millisecond)
	if f.rtt == 0 { // it opened the viewer's window, too
		took = max(took-held, time.Millisecond)
		f.rtt = took
	}
	if bytes >= minWindow { // small frames say nothing about the link
		// Half of it at most, lest an unlucky least make the link look fast.
		rate := float64(bytes) / (took - min(f.least, took/2)).Seconds()
		switch {
		case !f.steady:
			f.rate, f.steady = rate, f.least > 0 // with the round trip in it, it is too low
		case rate > f.rate: // Pace has held it down
			f.rate += (rate - f.rate) / 2
		default:
			f.rate += (rate - f.rate) / 4
		}
	}
	if f.least == 0 {
		f.least = took
	}
	f.rtt += (took - f.rtt) / 8
	f.least = min(f.least, took)
	f.outstanding -= bytes
	f.frames = append(f.frames[:0], f.frames[n:]...)
	f.last = now
}

// open reports whether the next picture may be coded.
func (f *flow) open(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.outstanding <= f.window() {
		return true
	}
	if now.Sub(f.last) < f.patienceLocked() {
		return false
	}
	// The acknowledgements were lost, or the link is full: begin anew.
	if f.steady {
		f.rate, f.steady = max(f.rate/2, minRate), false
	}
	f.frames, f.outstanding = f.frames[:0], 0
	return true
}

func (f *flow) window() int { return max(minWindow, int(f.rate*windowTime.Seconds())) }

// pace is what reaches the viewer, in bytes a second, a careful guess as long as
// nobody knows, and how many bytes may be under way.
func (f *flow) pace() (rate float64, window int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rate == 0 {
		return startRate, f.window()
	}
	return f.rate, f.window()
}

// limit is how fast a picture may go, in bytes a second, and how much at once.
func (f *flow) limit() (rate float64, burst int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rate == 0 {
		return paceGain * startRate, startBurst
	}
	return paceGain * f.rate, f.window()
}

// patience is how long to wait before asking open again without news.
func (f *flow) patience() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.patienceLocked() + time.Millisecond
}

func (f *flow) patienceLocked() time.Duration { return max(minPatience, 4*f.rtt) }
