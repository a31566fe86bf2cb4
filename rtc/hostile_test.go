package rtc_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"viewflip.app/rtc"
	"viewflip.app/wire"
)

// ended returns why the connection at b ended.
func (e *ends) ended(t *testing.T) error {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range e.b.States() {
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the connection goes on")
	}
	for {
		if err := <-e.errs; err != nil && !errors.Is(err, rtc.ErrClosed) || len(e.errs) == 0 {
			return err
		}
	}
}

// A message over the limit, on either channel, ends the connection with its
// reason; so does a channel that the other end closes.
func TestOversizedMessages(t *testing.T) {
	for name, c := range map[string]struct {
		lossy bool
		size  int
	}{
		"control": {false, rtc.MaxMessage + 1}, "motion": {true, rtc.MaxMessage + 1},
		"control, over SCTP's own limit": {false, 100_000}, "motion, over SCTP's own limit": {true, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			// The hostile end believes that anything goes.
			e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
				if a, ok := s.(wire.Answer); ok {
					a.SDP = strings.Replace(a.SDP, "a=sctp-port:5000\r\n", "a=sctp-port:5000\r\na=max-message-size:1000000\r\n", 1)
					return a
				}
				return s
			})
			e.await(t)
			if err := e.a.Channel(c.lossy).Send(make([]byte, c.size)); err != nil {
				t.Fatal(err)
			}
			if err := e.ended(t); !errors.Is(err, rtc.ErrTooLarge) {
				t.Error(err)
			}
		})
	}
}

func TestClosedChannel(t *testing.T) {
	for name, lossy := range map[string]bool{"control": false, "motion": true} {
		t.Run(name, func(t *testing.T) {
			e := pair(t, rtc.Options{}, rtc.Options{}, nil)
			e.await(t)
			if err := e.a.Channel(lossy).Close(); err != nil {
				t.Fatal(err)
			}
			if err := e.ended(t); !errors.Is(err, rtc.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// An end that asks for lines without end is not given them.
func TestTooManyTracks(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	if err := e.lb.Send(within(t), wire.NeedMedia{Lines: 255}); err != nil {
		t.Fatal(err)
	}
	if err := <-e.errs; !errors.Is(err, rtc.ErrTooManyTracks) {
		t.Error(err)
	}
}

// As many as are allowed fit into a signal.
func TestManyTracks(t *testing.T) {
	longest := 0
	e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
		if o, ok := s.(wire.Offer); ok {
			longest = max(longest, len(o.SDP))
		}
		return s
	})
	e.await(t)
	ctx := within(t)
	var last *rtc.OutTrack
	for n := 0; ; n++ {
		out, err := e.a.AddTrack(ctx, "a track with quite a long name")
		if errors.Is(err, rtc.ErrTooManyTracks) {
			break
		}
		if err != nil || n > 1000 {
			t.Fatal(n, err)
		}
		last = out
	}
	if _, err := last.Codec(ctx); err != nil {
		t.Fatal(err)
	}
	if longest > wire.MaxSDP*9/10 {
		t.Errorf("%d bytes of at most %d", longest, wire.MaxSDP)
	}
	t.Log(longest, "bytes")
}

// A channel that we did not agree on is closed, and harms nothing.
func TestStrangeChannel(t *testing.T) {
	e := pair(t, rtc.Options{}, rtc.Options{}, nil)
	e.await(t)
	for _, label := range []string{"evil", "control", "motion"} {
		dc, err := e.a.Connection().CreateDataChannel(label, nil)
		if err != nil {
			t.Fatal(err)
		}
		closed := make(chan struct{})
		dc.OnClose(func() { close(closed) })
		dc.OnMessage(func(webrtc.DataChannelMessage) { t.Error("an answer") })
		select {
		case <-closed:
		case <-time.After(patience):
			t.Fatal(label, "is open")
		}
	}
	if err := e.a.Send([]byte("still here")); err != nil {
		t.Fatal(err)
	}
	if m, err := e.b.Recv(within(t)); err != nil || string(m.Data) != "still here" {
		t.Fatal(m, err)
	}
}
