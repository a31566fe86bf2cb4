package main

import (
	"bytes"
	"context"
	"image"
	"testing"
	"time"

	"viewflip.app/platform/platformtest"
	"viewflip.app/video"
	"viewflip.app/video/vpx"
)

// A video in a window is sent as such while it plays. When it stops, the
// viewer's picture becomes that of the window, in every pixel.
func TestVideoSettles(t *testing.T) {
	if d, err := vpx.NewDecoder(); err != nil {
		t.Skip(err)
	} else {
		d.Close()
	}
	d := display(t)
	size := image.Pt(900, 500)
	c := newCanvas(t, d, size)
	c.load(10)
	_, _, link := offer(t, d, "Canvas")
	_, _, v := view(t, link)

	playing, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for playing.Err() == nil {
			paint := c.played()
			c.ready()
			paint()
			time.Sleep(33 * time.Millisecond)
		}
		c.ready()
	}()
	defer func() { stop(); <-stopped }()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	await := func(what string, ok func(exact bool) bool) {
		t.Helper()
		for good := false; !good; {
			u, err := v.Next(ctx)
			if err != nil {
				t.Fatalf("waiting for %s: %v", what, err)
			}
			v.Shown(u)
			good = ok(u.Exact)
		}
	}
	for range 20 { // for a while
		await("video", func(exact bool) bool { return !exact })
	}
	stop()
	<-stopped

	source := watch(t, d.Name())
	platformtest.Eventually(t, "the window", func() bool { return source.find(size.X, size.Y) })
	defer source.close()
	want := opaque(source.read(image.Rectangle{Max: size}))
	await("an exact picture", func(exact bool) (same bool) {
		v.Picture(func(f *video.Frame) { same = exact && bytes.Equal(f.Pix, want) })
		return same
	})
}

// opaque is a picture with 255 in each fourth byte.
func opaque(p []byte) []byte {
	for i := 3; i < len(p); i += video.BytesPerPixel {
		p[i] = 255
	}
	return p
}
