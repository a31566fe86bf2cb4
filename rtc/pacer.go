package rtc

import (
	"errors"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// errLimited means that a packet was not sent again now; it can be asked for
// once more.
var errLimited = errors.New("rtc: resends are limited")

// pacer knows the buckets of all tracks of a peer. It is the interceptor next
// to the network, and sees what Pion's responder sends again.
type pacer struct {
	interceptor.NoOp
	mu      sync.Mutex
	buckets map[uint32]*bucket // by SSRC
}

func newPacer() *pacer { return &pacer{buckets: map[uint32]*bucket{}} }

// NewInterceptor makes the pacer its own factory: it serves one connection.
func (p *pacer) NewInterceptor(string) (interceptor.Interceptor, error) { return p, nil }

func (p *pacer) of(ssrc uint32) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.buckets[ssrc]
	if b == nil {
		b = &bucket{}
		p.buckets[ssrc] = b
	}
	return b
}

// BindLocalStream takes every packet of a stream into account, and holds back
// those sent again that the link has no room for.
func (p *pacer) BindLocalStream(info *interceptor.StreamInfo, w interceptor.RTPWriter) interceptor.RTPWriter {
	b := p.of(info.SSRC)
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if !b.pass(h.SequenceNumber, len(payload), time.Now()) {
			return 0, errLimited
		}
		return w.Write(h, payload, a)
	})
}

// UnbindLocalStream forgets it.
func (p *pacer) UnbindLocalStream(info *interceptor.StreamInfo) {
	p.mu.Lock()
	delete(p.buckets, info.SSRC)
	p.mu.Unlock()
}

// bucket is a token bucket of one stream. New packets wait until it is not
// empty; packets sent again go first and may overdraw it, by one burst.
type bucket struct {
	mu      sync.Mutex
	rate    float64 // bytes a second; 0 has no limit
	burst   float64
	tokens  float64
	at      time.Time
	begun   bool
	highest uint16
}

func (b *bucket) set(rate float64, burst int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(time.Now())
	if b.rate == 0 {
		b.tokens = float64(burst)
	}
	b.rate, b.burst = rate, float64(burst)
}

// fill adds what time has brought; b.mu is held.
func (b *bucket) fill(now time.Time) {
	b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.at).Seconds())
	b.at = now
}

// wait is how long the next new packet has to wait.
func (b *bucket) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.rate == 0 || b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens/b.rate*float64(time.Second)) + time.Microsecond
}

// pass takes a packet of n bytes; false is one sent again that must not be.
func (b *bucket) pass(seq uint16, n int, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	again := b.begun && int16(seq-b.highest) <= 0
	if again && b.rate > 0 && b.tokens < -b.burst {
		return false
	}
	if !again {
		b.begun, b.highest = true, seq
	}
	b.tokens -= float64(n)
	return true
}
