package session_test

import (
	"image"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// refreshCounter counts the pictures that stand alone.
type refreshCounter struct {
	plain
	n *atomic.Int64
}

func (r *refreshCounter) Encode(dst []byte, f *video.Frame, d []image.Rectangle, refresh bool) ([]byte, bool, error) {
	if refresh {
		r.n.Add(1)
	}
	return r.plain.Encode(dst, f, d, refresh)
}

// A viewer who asks for full pictures without end gets one a second; who asks
// once gets it at once, and the last request of many is not forgotten.
func TestRefreshesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		w := newWorld(t)
		w.codecs = func(c *session.Config) {
			c.NewEncoder = func(string) (session.Encoder, error) { return &refreshCounter{n: &n}, nil }
		}
		_, _, _, v := w.pair(wire.RightSee)
		w.win.paint(1)
		u, err := v.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		v.Shown(u)
		synctest.Wait()
		first := n.Load()
		flood := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				w.net.refresh()
			}
			synctest.Wait()
		}
		go func() { // an honest viewer of pictures
			for {
				u, err := v.Next(t.Context())
				if err != nil {
					return
				}
				v.Shown(u)
			}
		}()
		w.net.refresh()
		synctest.Wait()
		if got := n.Load() - first; got != 1 {
			t.Errorf("%d pictures for one request", got)
		}
		const flooded, burst = 20, 3
		flood(flooded * time.Second)
		if got := n.Load() - first; got < flooded || got > flooded+burst {
			t.Errorf("%d full pictures in %d s", got, flooded)
		}
		before := n.Load()
		time.Sleep(time.Minute)
		if got := n.Load() - before; got > 1 {
			t.Errorf("%d full pictures that nobody asked for", got)
		}
	})
}
