package platform_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
)

func openClip(t *testing.T, d *platform.Desktop) *platform.Clipboard {
	t.Helper()
	c, err := d.OpenClipboard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func text(s string) platform.Clip { return platform.Clip{Kind: platform.ClipText, Data: []byte(s)} }

func reads(t *testing.T, c *platform.Clipboard, want platform.Clip) {
	t.Helper()
	got, err := c.Read(t.Context())
	if err != nil || got.Kind != want.Kind || !bytes.Equal(got.Data, want.Data) {
		t.Fatalf("kind %d, %d bytes, %v; want kind %d, %d bytes", got.Kind, len(got.Data), err, want.Kind, len(want.Data))
	}
}

// comes waits for content that a program puts there after it has returned.
func comes(t *testing.T, c *platform.Clipboard, want platform.Clip) {
	t.Helper()
	platformtest.Eventually(t, "the content", func() bool {
		got, err := c.Read(t.Context())
		return err == nil && got.Kind == want.Kind && bytes.Equal(got.Data, want.Data)
	})
}

// xclip is another program's hand on the clipboard.
func xclip(t *testing.T, d *platform.Desktop, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xclip", append([]string{"-selection", "clipboard"}, args...)...)
	cmd.Env = append(cmd.Environ(), platformtest.Env(d.Display())...)
	var out bytes.Buffer
	if in != nil {
		cmd.Stdin = bytes.NewReader(in)
	} else {
		cmd.Stdout = &out // not while it stays in the background as the owner
	}
	_ = cmd.Run() // no content is an error to it
	return out.Bytes()
}

func TestClipboard(t *testing.T) {
	d := desktop(t, "")
	c, other := openClip(t, d), openClip(t, d)
	if _, err := c.Read(t.Context()); !errors.Is(err, platform.ErrNoClip) {
		t.Error("an empty clipboard:", err)
	}
	large := text(strings.Repeat("Zürich – 😀\n", 100_000))
	png := platform.Clip{Kind: platform.ClipPNG, Data: bytes.Repeat([]byte("\x89PNG\x00\xff"), 90_000)}
	for _, clip := range []platform.Clip{text("Grüße 😀"), large, png, text("")} {
		if err := c.Write(clip); err != nil {
			t.Fatal(err)
		}
		reads(t, other, clip)
		reads(t, c, clip)
	}
	if _, err := exec.LookPath("xclip"); err != nil {
		t.Skip("xclip is not installed:", err)
	}
	for _, clip := range []platform.Clip{text("Grüße"), large} {
		xclip(t, d, clip.Data, "-i")
		comes(t, c, clip)
		if err := other.Write(clip); err != nil {
			t.Fatal(err)
		}
		if got := xclip(t, d, nil, "-o"); !bytes.Equal(got, clip.Data) {
			t.Errorf("xclip got %d bytes", len(got))
		}
	}
	xclip(t, d, png.Data, "-i", "-t", "image/png")
	comes(t, c, png)
	xclip(t, d, bytes.Repeat([]byte("x"), platform.MaxClip+1), "-i")
	platformtest.Eventually(t, "too much", func() bool {
		_, err := c.Read(t.Context())
		return errors.Is(err, platform.ErrClipTooLarge)
	})
}

// What is lent is for one program alone, and goes back afterwards.
func TestLend(t *testing.T) {
	d := desktop(t, "")
	c, host, app, spy := openClip(t, d), openClip(t, d), openClip(t, d), openClip(t, d)
	win := platform.ClipWindow(app)
	refused := func(what string) {
		t.Helper()
		if clip, err := spy.Read(t.Context()); err == nil && string(clip.Data) != "before" {
			t.Errorf("%s: another program read %q", what, clip.Data)
		}
	}
	lend := func() func() {
		t.Helper()
		back, err := c.Lend(t.Context(), win, text("guest's"), false)
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	restored := func(want string) {
		t.Helper()
		platformtest.Eventually(t, "the clipboard of before", func() bool {
			clip, err := spy.Read(t.Context())
			return err == nil && string(clip.Data) == want
		})
	}
	if err := host.Write(text("before")); err != nil {
		t.Fatal(err)
	}
	back := lend()
	refused("lent")
	reads(t, app, text("guest's"))
	refused("fetched")
	restored("before") // by itself, once it was fetched
	back()             // too late, and no harm

	back = lend()
	back()
	reads(t, spy, text("before"))
	lend()
	restored("before") // by itself, although nobody fetched it

	// A second loan is not taken for what was there before.
	lend()
	second, err := c.Lend(t.Context(), win, text("second"), false)
	if err != nil {
		t.Fatal(err)
	}
	reads(t, app, text("second"))
	refused("the second")
	second()
	reads(t, spy, text("before"))

	// What is copied meanwhile stays.
	back = lend()
	if err := host.Write(text("newer")); err != nil {
		t.Fatal(err)
	}
	back()
	reads(t, spy, text("newer"))
}

func TestCopied(t *testing.T) {
	d := desktop(t, "")
	c, app, other := openClip(t, d), openClip(t, d), openClip(t, d)
	wait := c.Copied(platform.ClipWindow(app))
	if err := other.Write(text("another program's")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	if clip, err := wait(ctx); err == nil {
		t.Fatalf("%q", clip.Data)
	}
	cancel()
	for range 2 { // the second time the owner stays the same
		wait = c.Copied(platform.ClipWindow(app))
		if err := app.Write(text("the app's")); err != nil {
			t.Fatal(err)
		}
		clip, err := wait(t.Context())
		if err != nil || string(clip.Data) != "the app's" {
			t.Fatal(clip, err)
		}
	}
}
