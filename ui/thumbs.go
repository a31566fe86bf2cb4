package ui

import (
	"context"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"viewflip.app/platform"
)

// How much time there is at least between two repaints for thumbnails: they
// show what is where, and every repaint costs. During a call they matter less.
const (
	thumbPause     = 500 * time.Millisecond
	thumbPauseCall = 2 * time.Second
)

// thumbs keeps the small pictures of windows that are on screen. All changes
// within a pause are painted together. want, forget and the shown callbacks
// are for the main goroutine.
type thumbs struct {
	p *program
	// last keeps the newest picture of each window, so that another screen
	// begins with it.
	last    map[platform.WindowID]*image.RGBA
	running map[platform.WindowID]context.CancelFunc
	show    func(id platform.WindowID, img *image.RGBA)
	slow    atomic.Bool

	mu      sync.Mutex
	fresh   map[platform.WindowID]*image.RGBA
	pending bool
}

func newThumbs(p *program, show func(platform.WindowID, *image.RGBA)) *thumbs {
	return &thumbs{
		p: p, show: show, last: map[platform.WindowID]*image.RGBA{},
		running: map[platform.WindowID]context.CancelFunc{}, fresh: map[platform.WindowID]*image.RGBA{},
	}
}

// want follows exactly these windows from now on.
func (t *thumbs) want(ids map[platform.WindowID]bool) {
	for id, stop := range t.running {
		if !ids[id] {
			stop()
			delete(t.running, id)
			delete(t.last, id)
		}
	}
	if t.p.o.Thumbnail == nil {
		return
	}
	for id := range ids {
		if t.running[id] == nil {
			ctx, stop := context.WithCancel(t.p.ctx)
			t.running[id] = stop
			t.p.spawn(func(context.Context) { t.follow(ctx, id) })
		}
	}
}

// follow takes pictures of one window until ctx ends or the window is gone.
func (t *thumbs) follow(ctx context.Context, id platform.WindowID) {
	s, err := t.p.o.Thumbnail(ctx, id)
	if err != nil {
		t.p.log.Debug("thumbnail", "err", err)
		return
	}
	defer s.Close()
	for {
		img, err := s.Next(ctx)
		if err != nil {
			return
		}
		if img != nil {
			t.put(id, img)
		}
		d := thumbPause
		if t.slow.Load() {
			d = thumbPauseCall
		}
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return
		}
	}
}

// put hands a picture over; the first of a quiet time is shown at once.
func (t *thumbs) put(id platform.WindowID, img *image.RGBA) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fresh[id] = img
	if !t.pending {
		t.pending = true
		t.p.after(thumbPause/5, t.flush)
	}
}

// flush shows everything that is new.
func (t *thumbs) flush() {
	t.mu.Lock()
	fresh := t.fresh
	t.fresh, t.pending = map[platform.WindowID]*image.RGBA{}, false
	t.mu.Unlock()
	for id, img := range fresh {
		if t.running[id] != nil {
			t.last[id] = img
			t.show(id, img)
		}
	}
}
