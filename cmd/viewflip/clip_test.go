package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// A guest on a desktop of their own pastes into and copies out of a real
// program, through the real connection, gate and clipboards.
func TestClipboardThroughACall(t *testing.T) {
	hers, his := display(t), display(t)
	file := filepath.Join(t.TempDir(), "typed")
	err := hers.Run("xterm", "-T", "Editor", "-geometry", "60x10+50+50",
		"-xrm", "*VT100.multiClickTime: 1",
		"-xrm", `*VT100.translations: #override Ctrl <Key>C: copy-selection(CLIPBOARD) \n Ctrl <Key>V: insert-selection(CLIPBOARD)`,
		"-e", "sh", "-c", "echo copythisline; cat > "+file)
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) *platform.Desktop {
		d, err := platform.Open(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	clip := func(d *platform.Desktop) *platform.Clipboard {
		c, err := d.OpenClipboard()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	herDesk, hisDesk := open(hers.Name()), open(his.Name())
	herClip, hisClip := clip(herDesk), clip(hisDesk)
	platformtest.Eventually(t, "the terminal", func() bool {
		_, err := share.Choose(t.Context(), herDesk, []string{"Editor"})
		return err == nil
	})
	a, call, link, err := shareEditor(t.Context(), testWorld(t, nil), herDesk)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer func() { call.Leave(); <-call.Done() }()

	b, err := app.Open(t.Context(), testWorld(t, nil), "Ben", hisDesk)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	guest, err := b.NewCall(t.Context(), &link)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { guest.Leave(); <-guest.Done() }()
	if err := guest.Join(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the share", func() bool { return len(guest.State().Remote) > 0 })
	r := guest.State().Remote[0]
	v, err := guest.View(r.Member, r.Share)
	if err != nil {
		t.Fatal(err)
	}
	waitPicture(t, v, func(f *video.Frame) bool { return f != nil })
	platformtest.Eventually(t, "control", controls(v))

	put := func(c *platform.Clipboard, s string) {
		t.Helper()
		if err := c.Write(platform.Clip{Kind: platform.ClipText, Data: []byte(s)}); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(c *platform.Clipboard, s string) func() bool {
		return func() bool {
			got, err := c.Read(context.Background())
			return err == nil && string(got.Data) == s
		}
	}
	x := 0
	send := func(kind wire.Kind, key wire.Key, button wire.Button, mods wire.Mods) {
		t.Helper()
		in := wire.Input{Kind: kind, Key: key, Button: button, Mods: mods, Gen: v.Info().Gen, X: wire.Fraction(x, v.Info().W), Y: wire.Fraction(9, v.Info().H)}
		if err := v.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	const ctrlL, shiftL, letterC, letterV, insert = 0xe0, 0xe1, 0x06, 0x19, 0x49
	chord := func(mod, key wire.Key, mods wire.Mods) {
		t.Helper()
		send(wire.KeyDown, mod, 0, mods)
		send(wire.KeyDown, key, 0, mods)
		send(wire.KeyUp, key, 0, mods)
		send(wire.KeyUp, mod, 0, 0)
	}
	paste := func(mod, key wire.Key, mods wire.Mods) {
		t.Helper()
		if err := v.Paste(t.Context()); err != nil {
			t.Fatal(err)
		}
		chord(mod, key, mods)
	}
	typed := func(s string) func() bool {
		return func() bool {
			b, err := os.ReadFile(file)
			return err == nil && string(b) == s
		}
	}
	put(hisClip, "pasted by Ben\n")
	if err := v.Paste(t.Context()); err == nil {
		t.Fatal("pasted without the right")
	}
	if err := call.Allow(call.State().Members[0].ID, call.State().Shares[0].ID, wire.RightPaste|wire.RightCopy); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the rights", func() bool { return v.Info().Rights&wire.RightCopy != 0 })
	server, err := x11.Connect(hers.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	platformtest.Eventually(t, "the focus", func() bool {
		f, err := xproto.GetInputFocus(server.Conn).Reply()
		return err == nil && uint32(f.Focus) == call.State().Shares[0].Window.Native()
	})

	copied := func() bool {
		got, err := hisClip.Read(t.Context())
		return err == nil && strings.TrimSpace(string(got.Data)) == "copythisline"
	}
	platformtest.Eventually(t, "the copied line", func() bool {
		x = 2 // a drag over the line selects it
		send(wire.Press, 0, wire.Left, 0)
		for x < 100 {
			x += 10
			send(wire.Move, 0, 0, 0)
		}
		send(wire.Release, 0, wire.Left, 0)
		chord(ctrlL, letterC, wire.ModCtrl)
		for end := time.Now().Add(2 * time.Second); !copied(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				return false
			}
		}
		return true
	})

	put(herClip, "her own")
	put(hisClip, "pasted by Ben\n")
	paste(ctrlL, letterV, wire.ModCtrl)
	platformtest.Eventually(t, "the content", typed("pasted by Ben\n"))
	platformtest.Eventually(t, "her own content again", holds(herClip, "her own"))

	large := strings.Repeat(strings.Repeat("x", 99)+"\n", 2000)
	put(hisClip, large)
	paste(shiftL, insert, wire.ModShift)
	platformtest.Eventually(t, "the large content", typed("pasted by Ben\n"+large))
	platformtest.Eventually(t, "her own content again", holds(herClip, "her own"))
}
