package rtc_test

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"viewflip.app/rtc"
	"viewflip.app/wire"
)

// heap is how much is in use after everything unused was found.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What waits for an end that reads nothing is bounded, whether it comes in large
// messages or in small ones, and the connection ends with a reason.
func TestNobodyReads(t *testing.T) {
	for _, size := range []int{rtc.MaxMessage, 10} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			e := pair(t, rtc.Options{}, rtc.Options{}, nil)
			e.await(t)
			before, msg := heap(), make([]byte, size)
			n := 0
			for ; n < 1_000_000; n++ {
				if err := e.b.Send(msg); err != nil {
					if !errors.Is(err, rtc.ErrSlow) {
						t.Fatal(n, err)
					}
					break
				}
			}
			grown := heap() - before
			t.Logf("%d messages, %d KiB waiting, the heap is %d KiB larger", n, e.b.Waiting()>>10, grown>>10)
			if grown > 3*rtc.MaxWaiting {
				t.Errorf("the heap has grown by %d bytes", grown)
			}
			if err := e.ended(t); !errors.Is(err, rtc.ErrSlow) {
				t.Error(err)
			}
		})
	}
}

// An end that takes nothing for ten seconds loses the connection, though little
// waits; one that reads slowly does not.
func TestNothingIsTaken(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	// The other end keeps 4 MiB of messages and 1 MiB of packets unread.
	msg := make([]byte, rtc.MaxMessage)
	for range (8 << 20) / rtc.MaxMessage {
		if err := e.b.Send(msg); err != nil {
			t.Fatal(err)
		}
	}
	began, ctx := time.Now(), within(t)
	for time.Since(began) < rtc.MaxStall/4 { // slowly
		if _, err := e.a.Recv(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rtc.MaxStall / 40)
	}
	if err := e.ended(t); !errors.Is(err, rtc.ErrSlow) {
		t.Error(err)
	}
	if took := time.Since(began); took < rtc.MaxStall {
		t.Errorf("it ended after %v", took)
	}
}

// Motion that cannot be sent is dropped: it ends nothing and needs no room.
func TestMotionIsDropped(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	before := heap()
	for range 200_000 {
		if err := e.b.SendLossy(make([]byte, 30)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if err := e.b.Send([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		m, err := e.a.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Lossy {
			break
		}
	}
}

// Names in candidates are neither looked up nor asked for by multicast, and no
// more than 64 of one description are used, wherever they stand.
func TestCandidatesAreBounded(t *testing.T) {
	var hostile atomic.Bool
	e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
		o, ok := s.(wire.Offer)
		if !ok || !hostile.Load() {
			return s
		}
		var more strings.Builder
		for i := range 200 {
			fmt.Fprintf(&more, "a=candidate:%d 1 udp 2130706431 10.77.%d.%d 9 typ host\r\n", 1000+i, i/250, 1+i%250)
		}
		for i := range 20 {
			fmt.Fprintf(&more, "a=candidate:%d 1 udp 2130706431 chosen-by-eve-%d.local 9 typ host\r\n", 2000+i, i)
		}
		o.SDP = strings.Replace(o.SDP, "a=mid:0\r\n", "a=mid:0\r\n"+more.String(), 1)
		return o
	})
	e.await(t)
	hostile.Store(true)
	ctx := within(t)
	out, err := e.a.AddTrack(ctx, "another description")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.Codec(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		for _, at := range []string{fmt.Sprintf("10.78.%d.%d", i/250, 1+i%250), fmt.Sprintf("eve-%d.local", i), "localhost", "fe80::1%lo", ""} {
			line := fmt.Sprintf(`{"candidate":"candidate:%d 1 udp 2130706431 %s 9 typ host","sdpMid":"0"}`, i, at)
			if err := e.la.Send(ctx, wire.Candidate{Line: line}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// What follows them has been seen when there is an answer to it.
	if out, err = e.a.AddTrack(ctx, "one more"); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Codec(ctx); err != nil {
		t.Fatal(err)
	}
	remote, seen := 0, 0
	for _, s := range e.b.Connection().GetStats() {
		c, ok := s.(webrtc.ICECandidateStats)
		if !ok || c.Type != webrtc.StatsTypeRemoteCandidate {
			continue
		}
		if c.CandidateType == webrtc.ICECandidateTypePrflx { // where packets came from, which nobody named
			seen++
			continue
		}
		remote++
		if _, err := netip.ParseAddr(c.IP); err != nil {
			t.Error("it knows", c.IP)
		}
	}
	if remote < 10 || remote > 64 || seen > 16 {
		t.Errorf("it uses %d candidates, and %d that it saw", remote, seen)
	}
}

// A description with more lines than two of us agree on ends the connection.
func TestTooManyLines(t *testing.T) {
	var hostile atomic.Bool
	e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
		if o, ok := s.(wire.Offer); ok && hostile.Load() {
			o.SDP += strings.Repeat("m=video 0 UDP/TLS/RTP/SAVPF 0\r\n", 60)
			return o
		}
		return s
	})
	e.await(t)
	hostile.Store(true)
	if _, err := e.a.AddTrack(within(t), "one"); err != nil {
		t.Fatal(err)
	}
	if err := e.ended(t); !errors.Is(err, rtc.ErrTooManyTracks) {
		t.Error(err)
	}
}

// However often tracks come and go at the answering end, it asks for an offer
// only when the last one has come, and none of the tracks is forgotten.
func TestNeedsAreMerged(t *testing.T) {
	var needs atomic.Int64
	e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
		if _, ok := s.(wire.NeedMedia); ok {
			needs.Add(1)
		}
		return s
	})
	e.await(t)
	ctx := within(t)
	began := time.Now()
	for range 300 {
		out, err := e.b.AddTrack(ctx, "on and off")
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	last, err := e.b.AddTrack(ctx, "stays")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := last.Codec(ctx); err != nil {
		t.Fatal(err)
	}
	t.Log(needs.Load(), "signals in", time.Since(began))
	if n := needs.Load(); n > 100 {
		t.Errorf("%d signals", n)
	}
}

// Pictures that nobody takes, of however many tracks, are kept up to a bound for
// all of them; then the connection ends.
func TestPicturesAreNotTaken(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	ctx := within(t)
	before := heap()
	picture := make([]byte, 6<<20)
	var err error
	for i := 0; i < 8 && err == nil; i++ {
		var out *rtc.OutTrack
		if out, err = e.a.AddTrack(ctx, fmt.Sprint(i)); err != nil {
			break
		}
		if _, err = out.Codec(ctx); err != nil {
			break
		}
		for range 4 {
			if _, err = out.Write(ctx, picture); err != nil {
				break
			}
		}
	}
	if err := e.ended(t); !errors.Is(err, rtc.ErrTooMuch) {
		t.Error(err)
	}
	if grown := heap() - before; grown > 2*rtc.MaxHeld {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
}
