package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"testing"

	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform/platformtest"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// Who shares from a terminal shows a file chooser by a line that he types.
func TestShareShowsAFileChooser(t *testing.T) {
	d := display(t)
	const own, secret = 0x2040c0, 0xc02040
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 700, 500), Color: own})
	w.Focus()
	platformtest.Use(t, d.Name())
	in, typing := io.Pipe()
	printed, out := io.Pipe()
	surroundings := testWorld(t, nil)
	surroundings.Stdin, surroundings.Stdout = in, out
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- share.Run(ctx, surroundings, []string{"--window", "Editor", "--json"})
		_ = out.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_, _ = typing.Close(), in.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	type news struct {
		Event   string         `json:"event"`
		Link    string         `json:"link"`
		Share   wire.ShareID   `json:"share"`
		Surface wire.SurfaceID `json:"surface"`
	}
	heard := make(chan news, 100)
	go func() {
		defer close(heard)
		for dec := json.NewDecoder(printed); ; {
			var n news
			if dec.Decode(&n) != nil {
				return
			}
			heard <- n
		}
	}()
	next := func(event string) news {
		t.Helper()
		for n := range heard {
			if n.Event == event {
				return n
			}
		}
		t.Fatal("ended before", event)
		return news{}
	}
	link, err := wire.ParseLink(next("link").Link)
	if err != nil {
		t.Fatal(err)
	}
	_, _, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, own) })
	w.Sibling(platformtest.Options{
		Title: "Open", Bounds: image.Rect(650, 300, 850, 450), Color: secret, TransientFor: w.XID(), Type: "DIALOG", Role: "GtkFileChooserDialog",
	})
	hidden := next(string(session.EventMasked))
	waitPicture(t, v, func(f *video.Frame) bool { return f.W > 600 && count(f, f.Bounds(), secret) == 0 })
	if _, err := fmt.Fprintf(typing, "nonsense\nshow %d.%d\n", hidden.Share, hidden.Surface); err != nil {
		t.Fatal(err)
	}
	next(string(session.EventRevealed))
	waitPicture(t, v, func(f *video.Frame) bool { return count(f, f.Bounds(), secret) > 0 })
}
