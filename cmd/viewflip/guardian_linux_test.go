package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
	"viewflip.app/wire"
)

// devices are the input devices of a display.
func devices(t *testing.T, c *x11.Conn) (*xinput.Client, []xinput.Device) {
	t.Helper()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	all, err := xi.Devices()
	if err != nil {
		t.Fatal(err)
	}
	return xi, all
}

// pairs lists the master pointers of viewflip on a display.
func pairs(t *testing.T, c *x11.Conn) []string {
	t.Helper()
	_, all := devices(t, c)
	var out []string
	for _, d := range all {
		if strings.HasPrefix(d.Name, "viewflip") && d.Use == xinput.MasterPointer {
			out = append(out, d.Name)
		}
	}
	return out
}

// The program is killed while a guest holds a key and a button: both are let go,
// and the second pointer and keyboard are gone.
func TestKilledInTheMiddle(t *testing.T) {
	for _, cursor := range []string{"second", "shared"} {
		t.Run(cursor, func(t *testing.T) { testKilled(t, cursor) })
	}
}

func testKilled(t *testing.T, cursor string) {
	t.Helper()
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Notes", Bounds: image.Rect(100, 100, 500, 400), Color: 0x090807})
	w.Focus()
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	repeated := repeating(t, c)
	cmd := exec.Command(os.Args[0], "share", "--json", "--window", "Notes", "--name", "Anna", "--grant", "control")
	cmd.Env = append(d.Env(), asProgram+"=1", "VIEWFLIP_KEYCHAIN=memory", "VIEWFLIP_LISTEN=127.0.0.1:0", "VIEWFLIP_CURSOR="+cursor)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill := func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	defer kill()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("no link:", lines.Err())
	}
	var first struct{ Link string }
	if err := json.Unmarshal(lines.Bytes(), &first); err != nil {
		t.Fatal(err)
	}
	link, err := wire.ParseLink(first.Link)
	if err != nil {
		t.Fatal(err)
	}
	_, _, v := view(t, link)
	platformtest.Eventually(t, "control", func() bool { return v.Info().Rights&wire.RightControl != 0 && v.Info().Gen != 0 })
	send := func(in wire.Input) {
		t.Helper()
		in.Gen, in.X, in.Y = v.Info().Gen, 1<<15, 1<<15
		if err := v.Send(in); err != nil {
			t.Fatal(err)
		}
	}
	got := func(kind platformtest.Kind, detail int) int {
		n := 0
		for _, e := range w.Events() {
			if e.Kind == kind && e.Detail == detail {
				n++
			}
		}
		return n
	}
	const keyZ, codeZ, button = 0x1d, 52, 9
	platformtest.Eventually(t, "the button", func() bool {
		send(wire.Input{Kind: wire.Press, Button: wire.Forward})
		return got(platformtest.Press, button) > 0
	})
	platformtest.Eventually(t, "the key, and its repeats", func() bool {
		send(wire.Input{Kind: wire.KeyDown, Key: keyZ})
		send(wire.Input{Kind: wire.KeyDown, Key: keyZ, Repeat: true})
		return got(platformtest.KeyDown, codeZ) > 2
	})
	platformtest.Eventually(t, "a borrowed key", func() bool {
		send(wire.Input{Kind: wire.Text, Text: "日"})
		return keyTypes(t, c, '日')
	})
	if have := pairs(t, c); (len(have) > 0) != (cursor == "second") {
		t.Errorf("cursor %s: %v", cursor, have)
	}
	begin := time.Now()
	kill()
	platformtest.Eventually(t, "the key and the button to be let go", func() bool {
		return keysDown(t, c) == 0 && got(platformtest.Release, button) > 0 && len(pairs(t, c)) == 0 && !keyTypes(t, c, '日')
	})
	t.Logf("let go %v after the kill", time.Since(begin).Round(time.Millisecond))
	n := got(platformtest.KeyDown, codeZ)
	time.Sleep(200 * time.Millisecond) // five repeats, if there were any
	if after := repeating(t, c); after != repeated {
		t.Error("the host's keys repeat in another way than before")
	}
	if more := got(platformtest.KeyDown, codeZ) - n; more != 0 {
		t.Errorf("%d more repeats came", more)
	}
}

// repeating is which keys of the host's keyboard repeat.
func repeating(t *testing.T, c *x11.Conn) (keys [32]byte) {
	t.Helper()
	r, err := xproto.GetKeyboardControl(c.Conn).Reply()
	if err != nil || r.GlobalAutoRepeat != xproto.AutoRepeatModeOn {
		t.Fatal("the host's keyboard does not repeat:", err)
	}
	copy(keys[:], r.AutoRepeats)
	return keys
}

// keyTypes reports whether some key of the host's keyboard types r.
func keyTypes(t *testing.T, c *x11.Conn, r rune) bool {
	t.Helper()
	const unicode, first, n = 0x01000000, 8, 248
	m, err := xproto.GetKeyboardMapping(c.Conn, first, n).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Contains(m.Keysyms, xproto.Keysym(unicode+r))
}

// keysDown is how many keys and buttons the server has down, on any device.
func keysDown(t *testing.T, c *x11.Conn) int {
	t.Helper()
	xi, all := devices(t, c)
	n := 0
	for _, d := range all {
		if h, err := xi.Held(d.ID); err == nil {
			n += len(h.Keys) + len(h.Buttons)
		}
	}
	return n
}

// What an earlier crash left is removed at the next start; what belongs to a
// living process, or to somebody else, stays.
func TestLeftovers(t *testing.T) {
	d := display(t)
	w := platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Notes", Bounds: image.Rect(100, 100, 500, 400)})
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	xi, err := xinput.New(c.Conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"viewflip", "viewflip 3", "viewflip x", "viewflip 5"} {
		if err := xi.AddMaster(name); err != nil {
			t.Fatal(err)
		}
	}
	// Slot 5 is held by somebody who lives.
	err = xproto.SetSelectionOwnerChecked(c.Conn, w.XID(), c.Atom("_VIEWFLIP_SEAT_5"), xproto.TimeCurrentTime).Check()
	if err != nil {
		t.Fatal(err)
	}
	platformtest.Use(t, d.Name())
	stop, err := system.GuardianOn(d.Name()).Start(t.Context(), 3) // nobody holds it: it sweeps at once
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if got := fmt.Sprint(pairs(t, c)); got != "[viewflip x pointer viewflip 5 pointer]" {
		t.Errorf("left are %v", got)
	}
}
