package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"image"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

func testWorld(t *testing.T, env map[string]string) command.World {
	t.Helper()
	return command.World{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Getenv: func(k string) string {
		if v, ok := env[k]; ok {
			return v
		}
		return map[string]string{"VIEWFLIP_KEYCHAIN": "memory", "VIEWFLIP_ADVERTISE": "", "VIEWFLIP_LISTEN": "127.0.0.1:0", "VIEWFLIP_LOG": "error"}[k]
	}}
}

func display(t *testing.T) *virtual.Display {
	t.Helper()
	return displayOf(t, "openbox")
}

// displayOf has another window manager than openbox, or none.
func displayOf(t *testing.T, wm string) *virtual.Display {
	t.Helper()
	d, err := virtual.Start(t.Context(), virtual.Options{WM: wm})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// offer shares a window, and gives a link to it.
func offer(t *testing.T, d *virtual.Display, title string) (*session.Call, wire.ShareID, wire.Link) {
	t.Helper()
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	a, err := app.Open(t.Context(), testWorld(t, nil), "Anna", desk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	call, err := a.NewCall(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { call.Leave(); <-call.Done() })
	list, err := share.Choose(t.Context(), desk, []string{title})
	if err != nil {
		t.Fatal(err)
	}
	id, err := call.Share(t.Context(), list[0], wire.RightSee|wire.RightPoint)
	if err != nil {
		t.Fatal(err)
	}
	link, err := call.Invite(t.Context(), session.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return call, id, link
}

// view joins a link in a process of its own kind and watches the first share.
func view(t *testing.T, link wire.Link) (*app.App, *session.Call, *session.View) {
	t.Helper()
	b, err := app.Open(t.Context(), testWorld(t, nil), "Ben", nil)
	if err != nil {
		t.Fatal(err)
	}
	call, err := b.NewCall(t.Context(), &link)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { call.Leave(); <-call.Done(); b.Close() })
	if err := call.Join(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the share to be offered", func() bool { return len(call.State().Remote) > 0 })
	r := call.State().Remote[0]
	v, err := call.View(r.Member, r.Share)
	if err != nil {
		t.Fatal(err)
	}
	return b, call, v
}

// waitPicture takes pictures until one satisfies ok.
func waitPicture(t *testing.T, v *session.View, ok func(*video.Frame) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for good := false; !good; {
		u, err := v.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		v.Picture(func(f *video.Frame) { good = ok(f) })
		v.Shown(u)
	}
}

func all(f *video.Frame, c uint32) bool {
	want := []byte{byte(c), byte(c >> 8), byte(c >> 16), 255}
	for i := 0; i < len(f.Pix); i += 4 {
		if !bytes.Equal(f.Pix[i:i+4], want) {
			return false
		}
	}
	return true
}

// A window that is partly covered is shared through the real service, the real
// connection and the real codec: what arrives equals the window's own pixels.
func TestSharedWindowArrives(t *testing.T) {
	const blue, red, green = 0x2040c0, 0xff0000, 0x00c800
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 741, 533), Color: blue})
	platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Mail", Bounds: image.Rect(200, 200, 500, 400), Color: red, OverrideRedirect: true})

	call, id, link := offer(t, d, "Editor")
	_, _, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return f.W == 641 && f.H == 433 && all(f, blue) })

	w.Fill(image.Rect(0, 0, 641, 433), green)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, green) })
	w.Resize(300, 200)
	waitPicture(t, v, func(f *video.Frame) bool { return f.W == 300 && f.H == 200 })
	call.StopShare(id)
	platformtest.Eventually(t, "the end", func() bool { return v.Info().Ended == wire.CloseStopped })
}

// Clicks, drags, the wheel and keys arrive in the shared window at the right
// pixel, and nowhere else: what is aimed at a covered spot arrives nowhere and
// is reported.
func TestControlStaysInTheWindow(t *testing.T) {
	for _, cursor := range []string{"second", "shared"} {
		t.Run(cursor, func(t *testing.T) { testControl(t, cursor) })
	}
}

func testControl(t *testing.T, cursor string) {
	t.Helper()
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 700, 500), Color: 0x2040c0})
	other := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Other", Bounds: image.Rect(750, 100, 950, 300), Color: 0x111111})
	cover := platformtest.NewWindow(t, d.Name(), platformtest.Options{Bounds: image.Rect(500, 300, 600, 400), Color: 0xff0000, OverrideRedirect: true})
	w.Focus()
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	a, err := app.Open(t.Context(), testWorld(t, map[string]string{"VIEWFLIP_CURSOR": cursor}), "Anna", desk)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	call, err := a.NewCall(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { call.Leave(); <-call.Done() }()
	list, err := share.Choose(t.Context(), desk, []string{"Editor"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := call.Share(t.Context(), list[0], wire.RightSee|wire.RightPoint)
	if err != nil {
		t.Fatal(err)
	}
	link, err := call.Invite(t.Context(), session.InviteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, 0x2040c0) })
	w.Forget()
	other.Forget()
	gen := v.Info().Gen
	send := func(in wire.Input, x, y int) {
		t.Helper()
		in.Gen, in.X, in.Y = gen, wire.Fraction(x, 600), wire.Fraction(y, 400)
		if err := v.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(want wire.Reason) {
		t.Helper()
		platformtest.Eventually(t, "refusal: "+want.String(), func() bool { r, _ := v.LastRefusal(); return r == want })
	}
	send(wire.Input{Kind: wire.Press, Button: wire.Left}, 10, 10)
	refused(wire.NoRight)
	if len(w.Events()) != 0 {
		t.Fatal("input arrived without the right")
	}
	if err := v.Ask(wire.RightControl); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the request", func() bool { return len(call.State().Asks) == 1 })
	ask := call.State().Asks[0]
	if err := call.Allow(ask.Member, id, wire.RightSee|wire.RightPoint|wire.RightControl); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "control", func() bool { return v.Info().Rights&wire.RightControl != 0 })

	has := func(kind platformtest.Kind, x, y int, detail int) func() bool {
		return func() bool {
			for _, e := range w.Events() {
				if e.Kind == kind && (x < 0 || e.X == x && e.Y == y) && e.Detail == detail {
					return true
				}
			}
			return false
		}
	}
	// A server that has just started takes that for the host's hand.
	platformtest.Eventually(t, "a first move", func() bool {
		send(wire.Input{Kind: wire.Move}, 20, 20)
		return has(platformtest.Motion, 20, 20, 0)()
	})
	// Each step waits for the one before, as hands do: the window manager holds
	// the pointer for a moment after a click, and the gate refuses meanwhile.
	send(wire.Input{Kind: wire.Press, Button: wire.Left}, 123, 45)
	platformtest.Eventually(t, "the press", has(platformtest.Press, 123, 45, 1))
	send(wire.Input{Kind: wire.Move}, 150, 60)
	platformtest.Eventually(t, "the drag", has(platformtest.Motion, 150, 60, 0))
	send(wire.Input{Kind: wire.Release, Button: wire.Left}, 150, 60)
	platformtest.Eventually(t, "the release", has(platformtest.Release, 150, 60, 1))
	send(wire.Input{Kind: wire.Wheel, DY: 120}, 5, 6)
	platformtest.Eventually(t, "the wheel", has(platformtest.Press, 5, 6, 5))
	send(wire.Input{Kind: wire.KeyDown, Key: 4}, 0, 0)
	platformtest.Eventually(t, "the key", has(platformtest.KeyDown, -1, 0, 38))
	send(wire.Input{Kind: wire.KeyUp, Key: 4}, 0, 0)
	platformtest.Eventually(t, "its release", has(platformtest.KeyUp, -1, 0, 38))
	send(wire.Input{Kind: wire.Press, Button: wire.Left}, 450, 250)
	refused(wire.Covered)
	other.Focus()
	cover.Forget()
	other.Forget()
	send(wire.Input{Kind: wire.KeyDown, Key: 5}, 0, 0)
	if cursor == "shared" {
		refused(wire.NotFocused)
	} else { // the guest's keyboard stays where it is
		platformtest.Eventually(t, "the second keyboard's key", has(platformtest.KeyDown, -1, 0, 56))
	}
	call.TakeBack(ask.Member, id)
	send(wire.Input{Kind: wire.KeyDown, Key: 6}, 0, 0)
	refused(wire.NoRight)
	if n := len(other.Events()) + len(cover.Events()); n != 0 {
		t.Errorf("%d events left the shared window: %v %v", n, other.Events(), cover.Events())
	}
}

// The command line shares a window, prints its link and tells who came.
func TestShareCommand(t *testing.T) {
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Notes", Bounds: image.Rect(10, 50, 210, 200), Color: 0x090807})
	platformtest.Use(t, d.Name())

	var listed bytes.Buffer
	cmd := testWorld(t, nil)
	cmd.Stdout = &listed
	if code := run(t.Context(), cmd, []string{"windows", "--json"}); code != exitOK || !strings.Contains(listed.String(), `"title":"Notes"`) {
		t.Fatal(code, listed.String())
	}

	r, out := io.Pipe()
	cmd.Stdout = out
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), cmd, []string{"share", "--json", "--window", "Notes", "--name", "Anna"})
		_ = out.Close()
	}()
	lines := bufio.NewScanner(r)
	next := func() map[string]any {
		if !lines.Scan() {
			t.Fatal("no event:", lines.Err())
		}
		m := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err, lines.Text())
		}
		return m
	}
	link, err := wire.ParseLink(next()["link"].(string))
	if err != nil {
		t.Fatal(err)
	}
	_, ben, v := view(t, link)
	waitPicture(t, v, func(f *video.Frame) bool { return all(f, 0x090807) })
	seen := map[string]bool{}
	for !seen["link_used"] || !seen["link"] || !seen["joined"] || !seen["watching"] {
		m := next()
		if m["event"] != "link" && m["event"] != "shared" && m["name"] != "Ben" {
			t.Error(m)
		}
		seen[m["event"].(string)] = true
	}
	ben.Leave()
	for next()["event"] != "left" {
	}
	w.Close()
	for next()["event"] != "unshared" {
	}
	if c := <-code; c != exitOK {
		t.Error("exit code", c)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"share"}, {"share", "--window", "x", "--grant", "all"}, {"windows", "--bad"}} {
		var errs bytes.Buffer
		w := testWorld(t, nil)
		w.Stderr = &errs
		if code := run(t.Context(), w, args); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}

func TestNoDisplay(t *testing.T) {
	t.Setenv("DISPLAY", "")
	var errs bytes.Buffer
	w := testWorld(t, nil)
	w.Stderr = &errs
	if code := run(t.Context(), w, []string{"windows"}); code != exitError || strings.Count(errs.String(), "\n") != 1 || !strings.Contains(errs.String(), "DISPLAY") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

// What a call used is gone when it is over.
func TestNothingIsLeft(t *testing.T) {
	cycle := func() {
		a, err := app.Open(t.Context(), testWorld(t, nil), "Anna", nil)
		if err != nil {
			t.Fatal(err)
		}
		call, err := a.NewCall(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Invite(t.Context(), session.InviteOptions{}); err != nil {
			t.Fatal(err)
		}
		call.Leave()
		<-call.Done()
		a.Close()
	}
	cycle()
	before := runtime.NumGoroutine()
	for range 5 {
		cycle()
	}
	platformtest.Eventually(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= before })
	if _, err := os.Stat("bin"); err == nil {
		t.Error("files were left")
	}
}
