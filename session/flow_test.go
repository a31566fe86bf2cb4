package session

import (
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
