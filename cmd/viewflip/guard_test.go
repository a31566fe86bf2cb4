package main

import (
	"bufio"
	"context"
	"fmt"
	"image"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/share"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/x11"
	"viewflip.app/session"
	"viewflip.app/ui"
	"viewflip.app/wire"
)

// blockedEnv makes the test binary a program whose GUI thread hangs.
const blockedEnv = "VIEWFLIP_TEST_BLOCKED"

// shareBlocked shares the window "Editor" with control for everybody, prints
// the link and hangs on the GUI thread.
func shareBlocked(ctx context.Context) error {
	desk, err := platform.Open("", nil)
	if err != nil {
		return err
	}
	_, _, link, err := shareEditor(ctx, command.World{Stdin: strings.NewReader(""), Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}, desk)
	if err != nil {
		return err
	}
	return ui.Run(ctx, ui.Options{
		NewCall: func(context.Context, *wire.Link) (ui.Call, error) { return nil, session.ErrEnded },
		Name: func() string { // the screens ask on the GUI thread
			fmt.Println(link)
			select {}
		},
	})
}

// shareEditor shares the window "Editor" as the commands do, guarded.
func shareEditor(ctx context.Context, w command.World, desk *platform.Desktop) (*app.App, *session.Call, wire.Link, error) {
	a, err := app.Open(ctx, w, "Anna", desk)
	if err != nil {
		return nil, nil, wire.Link{}, err
	}
	if notice := a.Guard(); notice != "" {
		return nil, nil, wire.Link{}, fmt.Errorf("guard: %s", notice)
	}
	call, err := a.NewCall(ctx, nil)
	if err != nil {
		return nil, nil, wire.Link{}, err
	}
	list, err := share.Choose(ctx, desk, []string{"Editor"})
	if err != nil {
		return nil, nil, wire.Link{}, err
	}
	if _, err = call.Share(ctx, list[0], wire.RightSee|wire.RightPoint|wire.RightControl); err != nil {
		return nil, nil, wire.Link{}, err
	}
	link, err := call.Invite(ctx, session.InviteOptions{})
	return a, call, link, err
}

// panicChord holds the panic key down for a moment and calls f meanwhile.
func panicChord(t *testing.T, display string, f func()) {
	t.Helper()
	c, err := x11.Connect(display)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Require(x11.XTest); err != nil {
		t.Fatal(err)
	}
	codes := []byte{37, 64, 50, 9} // Ctrl, Alt, Shift, Escape
	for _, code := range codes {
		_ = xtest.FakeInputChecked(c.Conn, xproto.KeyPress, code, 0, c.Root, 0, 0, 0).Check()
	}
	f()
	for _, code := range codes {
		_ = xtest.FakeInputChecked(c.Conn, xproto.KeyRelease, code, 0, c.Root, 0, 0, 0).Check()
	}
}

func controls(v *session.View) func() bool {
	return func() bool { return v.Info().Rights&wire.RightControl != 0 }
}

func lost(v *session.View) func() bool { return func() bool { return !controls(v)() } }

// The panic key works while the GUI thread hangs.
func TestPanicKeyWhileTheGUIHangs(t *testing.T) {
	d := display(t)
	platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 300, 250), Color: 0x2040c0})
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(d.Env(), blockedEnv+"=1", "VIEWFLIP_KEYCHAIN=memory", "VIEWFLIP_LISTEN=127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the program has ended")
	}
	link, err := wire.ParseLink(lines.Text())
	if err != nil {
		t.Fatal(err, lines.Text())
	}
	_, _, v := view(t, link)
	platformtest.Eventually(t, "control", controls(v))
	panicChord(t, d.Name(), func() {})
	platformtest.Eventually(t, "the end of control", lost(v))
}

// The panic key works while another program has the whole keyboard, as an open
// menu has; and locking the screen takes everything back as well.
func TestGuard(t *testing.T) {
	d := display(t)
	platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(100, 100, 300, 250), Color: 0x2040c0})
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	a, call, link, err := shareEditor(t.Context(), testWorld(t, map[string]string{"DBUS_SESSION_BUS_ADDRESS": address}), desk)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer func() { call.Leave(); <-call.Done() }()
	_, _, v := view(t, link)
	platformtest.Eventually(t, "control", controls(v))

	x, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	grab, err := xproto.GrabKeyboard(x.Conn, false, x.Root, xproto.TimeCurrentTime, xproto.GrabModeAsync, xproto.GrabModeAsync).Reply()
	if err != nil || grab.Status != xproto.GrabStatusSuccess {
		t.Fatal(err, grab)
	}
	panicChord(t, d.Name(), func() { platformtest.Eventually(t, "the end of control", lost(v)) })
	xproto.UngrabKeyboard(x.Conn, xproto.TimeCurrentTime)

	member, id := call.State().Members[0].ID, call.State().Shares[0].ID
	again := func() {
		t.Helper()
		if err := call.Allow(member, id, wire.RightControl); err != nil {
			t.Fatal(err)
		}
		platformtest.Eventually(t, "control again", controls(v))
	}
	again()
	panicChord(t, d.Name(), func() {})
	platformtest.Eventually(t, "the end of control", lost(v))

	if address == "" {
		t.Fatal("a session bus is needed: scripts/headless.sh has one")
	}
	again()
	saver, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer saver.Close()
	if err := saver.Emit("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver.ActiveChanged", true); err != nil {
		t.Fatal(err)
	}
	platformtest.Eventually(t, "the end of control", lost(v))
}

// A panic key that another program has is said in one sentence.
func TestPanicKeyTaken(t *testing.T) {
	d := display(t)
	desk, err := platform.Open(d.Name(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	w := testWorld(t, map[string]string{"VIEWFLIP_PANIC": "ctrl+alt+p"})
	sys := system.New(desk, w.Getenv, slog.New(slog.DiscardHandler))
	key, err := sys.Panic()
	if err != nil || key.String() != "Ctrl+Alt+P" {
		t.Fatal(key, err)
	}
	line := func() (c platform.Capability) {
		for _, c = range sys.Lines(t.Context(), nil) {
			if c.Name == "panic key" {
				return c
			}
		}
		t.Fatal("there is no line about it")
		return c
	}
	if c := line(); !c.OK || !strings.Contains(c.Detail, "Ctrl+Alt+P") {
		t.Errorf("%+v", c)
	}
	platformtest.Eventually(t, "the combination to be free", func() bool {
		_, err := key.Pressed(t.Context())
		return err == nil
	})
	if c := line(); c.OK || !strings.Contains(c.Detail, "another program") {
		t.Errorf("%+v", c)
	}
	for _, env := range []string{"ctrl+alt+p", "nonsense"} {
		a, err := app.Open(t.Context(), testWorld(t, map[string]string{"VIEWFLIP_PANIC": env}), "Anna", desk)
		if err != nil {
			t.Fatal(err)
		}
		if notice := a.Guard(); !strings.HasSuffix(notice, ".") || strings.Contains(notice, "\n") {
			t.Errorf("%s: %q", env, notice)
		}
		a.Close()
	}
}
