package platform_test

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"viewflip.app/platform"
	"viewflip.app/platform/platformtest"
)

// bus is a message bus of the test's own.
func bus(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("dbus-daemon is needed:", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

const sessionPath = dbus.ObjectPath("/org/freedesktop/login1/session/c7")

// fakeLogind answers what Away asks of logind.
type fakeLogind struct{ noSession bool }

func (f fakeLogind) GetSession(id string) (dbus.ObjectPath, *dbus.Error) {
	if id != "c7" || f.noSession {
		return "", dbus.NewError("org.freedesktop.login1.NoSuchSession", nil)
	}
	return sessionPath, nil
}

func (f fakeLogind) GetSessionByPID(uint32) (dbus.ObjectPath, *dbus.Error) {
	return "", dbus.NewError("org.freedesktop.login1.NoSessionForPID", nil)
}

func (f fakeLogind) Get(string, string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(false), nil
}

func service(t *testing.T, address, name string) *dbus.Conn {
	t.Helper()
	c, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	return c
}

func startLogind(t *testing.T, address string, f fakeLogind) *dbus.Conn {
	t.Helper()
	c := service(t, address, "org.freedesktop.login1")
	for _, iface := range []string{"org.freedesktop.login1.Manager", "org.freedesktop.DBus.Properties"} {
		if err := c.Export(f, "/org/freedesktop/login1", iface); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestAway(t *testing.T) {
	system, session := bus(t), bus(t)
	logind := startLogind(t, system, fakeLogind{})
	stranger := service(t, system, "org.example.Stranger")
	saver := service(t, session, "org.gnome.ScreenSaver")
	getenv := env("DBUS_SYSTEM_BUS_ADDRESS", system, "DBUS_SESSION_BUS_ADDRESS", session, "XDG_SESSION_ID", "c7")
	ctx, cancel := context.WithCancel(t.Context())
	left, c := platform.Away(ctx, getenv, nil)
	if !c.OK {
		t.Errorf("%+v", c)
	}
	const manager, props = "org.freedesktop.login1.Manager", "org.freedesktop.DBus.Properties.PropertiesChanged"
	changed := func(name string, v any) []any {
		return []any{"org.freedesktop.login1.Session", map[string]dbus.Variant{name: dbus.MakeVariant(v)}, []string{}}
	}
	emit := func(c *dbus.Conn, path dbus.ObjectPath, name string, args ...any) {
		t.Helper()
		if err := c.Emit(path, name, args...); err != nil {
			t.Fatal(err)
		}
	}
	last := func() { emit(logind, "/org/freedesktop/login1", manager+".PrepareForSleep", true) }
	for what, f := range map[string]func(){
		"sleep":       last,
		"lock":        func() { emit(logind, sessionPath, "org.freedesktop.login1.Session.Lock") },
		"locked hint": func() { emit(logind, sessionPath, props, changed("LockedHint", true)...) },
		"user switch": func() { emit(logind, sessionPath, props, changed("Active", false)...) },
		"gnome":       func() { emit(saver, "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver.ActiveChanged", true) },
		"freedesktop": func() { emit(saver, "/ScreenSaver", "org.freedesktop.ScreenSaver.ActiveChanged", true) },
	} {
		f()
		await(t, what, left)
	}
	// Coming back, other sessions and other senders are no leaving. What comes
	// on one bus comes in order: the last one is the only tick.
	emit(logind, "/org/freedesktop/login1", manager+".PrepareForSleep", false)
	emit(logind, sessionPath, props, changed("LockedHint", false)...)
	emit(logind, sessionPath, props, changed("Active", true)...)
	emit(logind, sessionPath, props, changed("IdleHint", true)...)
	emit(logind, "/org/freedesktop/login1/session/c8", "org.freedesktop.login1.Session.Lock")
	emit(stranger, "/org/freedesktop/login1", manager+".PrepareForSleep", true)
	emit(saver, "/org/gnome/ScreenSaver", "org.gnome.ScreenSaver.ActiveChanged", false)
	last()
	await(t, "sleep", left)
	select {
	case <-left:
		t.Error("more than one tick")
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	platformtest.Eventually(t, "the end", func() bool {
		select {
		case _, ok := <-left:
			return !ok
		default:
			return false
		}
	})
}

// What is not there is named, and no reason to fail.
func TestAwayWithoutBuses(t *testing.T) {
	none := "unix:path=" + filepath.Join(t.TempDir(), "none")
	for name, getenv := range map[string]func(string) string{
		"nothing": env("DBUS_SYSTEM_BUS_ADDRESS", none), "dead buses": env("DBUS_SYSTEM_BUS_ADDRESS", none, "DBUS_SESSION_BUS_ADDRESS", none),
		"no logind": env("DBUS_SYSTEM_BUS_ADDRESS", bus(t), "DBUS_SESSION_BUS_ADDRESS", none),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		left, c := platform.Away(ctx, getenv, nil)
		if c.OK || c.Remedy == "" || !strings.Contains(c.Detail, "logind") || !strings.Contains(c.Detail, "screen saver") {
			t.Errorf("%s: %+v", name, c)
		}
		cancel()
		for range left {
			t.Error("a tick")
		}
	}
	system := bus(t)
	logind := startLogind(t, system, fakeLogind{noSession: true})
	left, c := platform.Away(t.Context(), env("DBUS_SYSTEM_BUS_ADDRESS", system), nil)
	if c.OK || !strings.Contains(c.Detail, "session") {
		t.Errorf("%+v", c)
	}
	_ = logind.Emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForSleep", true)
	await(t, "sleep outside of a session", left)
}
