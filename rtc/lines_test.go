package rtc_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"viewflip.app/rtc"
	"viewflip.app/wire"
)

// Tracks that come and go for hours use their lines again: the descriptions do
// not grow.
func TestLinesAreUsedAgain(t *testing.T) {
	for _, offerer := range []bool{true, false} {
		t.Run(fmt.Sprint("offerer ", offerer), func(t *testing.T) {
			var lines atomic.Int64
			e := pair(t, rtc.Options{}, rtc.Options{}, func(s wire.Signal) wire.Signal {
				if o, ok := s.(wire.Offer); ok {
					lines.Store(int64(strings.Count(o.SDP, "m=video")))
				}
				return s
			})
			e.await(t)
			from, to := e.a, e.b
			if !offerer {
				from, to = e.b, e.a
			}
			ctx := within(t)
			for i := range 20 {
				out, err := from.AddTrack(ctx, fmt.Sprint(i))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := out.Codec(ctx); err != nil {
					t.Fatal(err)
				}
				// What comes before the other end listens is lost: again until it does.
				heard, said := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(said)
					for {
						if _, err := out.Write(t.Context(), numbered(uint32(i), true, 10)); err != nil {
							return
						}
						select {
						case <-heard:
							return
						case <-ctx.Done():
							return
						case <-time.After(300 * time.Millisecond):
						}
					}
				}()
				in, err := to.AcceptTrack(ctx)
				close(heard)
				<-said
				if err != nil || in.ID() != fmt.Sprint(i) {
					t.Fatal(i, err)
				}
				if got, _ := number(t, read(t, in).Data); got != uint32(i) {
					t.Fatal("frame", got, "of track", i)
				}
				if err := out.Close(); err != nil {
					t.Fatal(err)
				}
				for err == nil {
					_, err = in.Read(ctx)
				}
				if ctx.Err() != nil {
					t.Fatal("the track does not end")
				}
			}
			if n := lines.Load(); n > 4 {
				t.Errorf("%d lines for one track at a time", n)
			}
		})
	}
}
