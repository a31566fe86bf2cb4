package rtc

import (
	"testing"
	"time"
)

// New packets wait for the rate, those sent again are dropped when they
// overdraw it by a burst.
func TestBucket(t *testing.T) {
	var b bucket
	if b.pass(1, 1e6, time.Now()); b.wait(time.Now()) > 0 {
		t.Error("a packet waits though there is no limit")
	}
	b.set(1000, 500)
	now := b.at
	for seq := uint16(2); seq < 8; seq++ { // 600 bytes
		if !b.pass(seq, 100, now) {
			t.Fatal("a new packet was dropped")
		}
	}
	if got := b.wait(now); got < 100*time.Millisecond || got > 101*time.Millisecond {
		t.Errorf("the next packet waits %v, want 100ms", got)
	}
	n := 0
	for b.pass(3, 100, now) {
		n++
	}
	if n != 5 {
		t.Errorf("%d packets were sent again, want 5", n)
	}
	if !b.pass(3, 100, now.Add(200*time.Millisecond)) {
		t.Error("nothing is sent again when there is room")
	}
}
