package session

import (
	"container/list"
	"testing"
	"time"
)

// The rate is that of the link, whatever the round trip, and not that of the
// first picture, for which the viewer opens a window.
func TestFlowRate(t *testing.T) {
	const link, trip = 500e3, 40 * time.Millisecond
	now := time.Now()
	var f flow
	send := func(n uint32, size int, more time.Duration) {
		f.sent(n, size, now, now)
		now = now.Add(trip + more + time.Duration(float64(size)/link*1e9))
		f.acked(n, more, now)
	}
	send(1, 60e3, 300*time.Millisecond)
	if rate, window := f.pace(); rate > link || rate < link/2 || window != minWindow {
		t.Errorf("after the first picture the rate is %.0f, the window %d", rate, window)
	}
	send(2, 500, 0)
	send(3, 60e3, 0)
	if rate, _ := f.pace(); rate < 0.9*link || rate > 1.1*link {
		t.Errorf("the rate is %.0f, want %.0f", rate, float64(link))
	}
	for n := range uint32(50) {
		send(4+n, 20e3, 0)
	}
	if rate, window := f.pace(); rate < 0.9*link || rate > 1.1*link || window != minWindow {
		t.Errorf("the rate is %.0f, want %.0f; the window is %d", rate, float64(link), window)
	}
}

// simulated is a link, and a sender who always has something to send, in pieces.
type simulated struct {
	f        flow
	now      time.Time
	rate     float64 // bytes a second
	trip     time.Duration
	free     time.Time // when the bottleneck is
	acks     list.List // of arrival
	n        uint32
	received int
	queue    time.Duration // the longest of late
}

type arrival struct {
	at   time.Time
	n    uint32
	size int
}

// run goes on for d. size is that of a picture, 0 what may be sent at a time;
// pause is between two.
func (s *simulated) run(d time.Duration, size int, pause time.Duration) {
	const tick = time.Millisecond
	s.queue = 0
	next := s.now
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(tick) {
		for e := s.acks.Front(); e != nil && !e.Value.(arrival).at.After(s.now); e = s.acks.Front() {
			a := s.acks.Remove(e).(arrival)
			s.f.acked(a.n, 0, s.now)
			s.received += a.size
		}
		for !s.now.Before(next) && s.f.open(s.now) {
			bytes := size
			if size == 0 {
				_, bytes = s.f.pace()
			}
			speed, burst := s.f.limit()
			s.n++
			// The first bytes of it go at once, the last ones when Pace allows.
			gone := s.now.Add(time.Duration(max(0, float64(bytes-burst)) / speed * 1e9))
			begin := s.now
			if s.free.After(begin) {
				begin = s.free
			}
			s.queue = max(s.queue, begin.Sub(s.now))
			s.free = begin.Add(time.Duration(float64(bytes) / s.rate * 1e9))
			at := s.free
			if gone.After(at) {
				at = gone
			}
			s.f.sent(s.n, bytes, s.now, gone)
			s.acks.PushBack(arrival{at.Add(s.trip), s.n, bytes})
			next = s.now.Add(max(pause, gone.Sub(s.now)))
		}
	}
}

// Whatever the link, it is soon found how much it takes, and it is filled, but
// not its queue.
func TestFlowFillsLink(t *testing.T) {
	for _, link := range []float64{100e3, 625e3, 6.25e6, 60e6} {
		for _, trip := range []time.Duration{2 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
			s := simulated{now: time.Now(), rate: link, trip: trip}
			s.run(2*time.Second+20*trip, 0, 0)
			s.received = 0
			s.run(2*time.Second, 0, 0)
			if least := 0.8 * 2 * link; float64(s.received) < least {
				t.Errorf("%.0f bytes/s, %v: %d bytes in 2 s, rate %.0f", link, trip, s.received, s.f.rate)
			}
			// A piece of 12 kB is long on a slow link.
			if most := 3*windowTime + 2*time.Duration(minWindow/link*1e9) + trip/2; s.queue > most {
				t.Errorf("%.0f bytes/s, %v: a queue of %v, rate %.0f, least %v", link, trip, s.queue, s.f.rate, s.f.least)
			}
		}
	}
}

// A link that becomes slower is noticed, and what is sent seldom or little does
// not make it look so.
func TestFlowFollowsLink(t *testing.T) {
	s := simulated{now: time.Now(), rate: 6e6, trip: 50 * time.Millisecond}
	s.run(3*time.Second, 0, 0)
	before := s.f.rate
	s.run(5*time.Second, 2000, 50*time.Millisecond)
	s.run(5*time.Second, 15e3, 200*time.Millisecond)
	if s.f.rate < 0.8*before {
		t.Errorf("the rate fell from %.0f to %.0f without a reason", before, s.f.rate)
	}
	s.rate = 300e3
	s.run(4*time.Second, 0, 0)
	s.run(2*time.Second, 0, 0)
	if s.f.rate > 2*s.rate || s.queue > 300*time.Millisecond {
		t.Errorf("the rate is %.0f, the queue %v", s.f.rate, s.queue)
	}
	s.rate = 6e6
	s.run(6*time.Second, 0, 0)
	if s.f.rate < 0.7*s.rate {
		t.Errorf("the rate is %.0f again", s.f.rate)
	}
}
