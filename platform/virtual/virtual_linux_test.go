package virtual_test

import (
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
)

// alive reports whether a process that is not a zombie exists.
func alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timed out waiting for", what)
		}
	}
}

func TestDisplay(t *testing.T) {
	d, err := virtual.Start(t.Context(), virtual.Options{Size: image.Pt(640, 480), WM: "openbox"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Screen.WidthInPixels != 640 || c.Screen.HeightInPixels != 480 {
		t.Errorf("the screen is %dx%d", c.Screen.WidthInPixels, c.Screen.HeightInPixels)
	}
	if len(c.Cardinals(c.Root, "_NET_SUPPORTING_WM_CHECK")) == 0 {
		t.Error("the window manager is not ready")
	}
	for _, e := range []x11.Extension{x11.Composite, x11.Damage, x11.XFixes, x11.SHM, x11.XTest, x11.XInput, "GLX"} {
		if !c.Has(e) {
			t.Error("no", e)
		}
	}

	// A client, and what it starts itself, end with the display.
	file := filepath.Join(t.TempDir(), "pids")
	err = d.RunEnv([]string{"PIDS=" + file}, "sh", "-c", `sleep 1000 & echo "$$ $! $DISPLAY" >"$PIDS"; wait`)
	if err != nil {
		t.Fatal(err)
	}
	var f []string
	eventually(t, "the client", func() bool {
		b, _ := os.ReadFile(file)
		f = strings.Fields(string(b))
		return len(f) == 3
	})
	if f[2] != d.Short() {
		t.Errorf("DISPLAY is %s, not %s", f[2], d.Short())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range f[:2] {
		pid, _ := strconv.Atoi(p)
		eventually(t, "the clients' end", func() bool { return !alive(pid) })
	}
	if _, err := x11.Connect(d.Name()); !errors.Is(err, x11.ErrNoDisplay) {
		t.Error("after Close:", err)
	}
	if err := d.Run("true"); !errors.Is(err, virtual.ErrClosed) {
		t.Error("Run after Close:", err)
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := virtual.Start(t.Context(), virtual.Options{WM: "no-such-window-manager"}); err == nil {
		t.Error("a window manager that does not exist")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := virtual.Start(ctx, virtual.Options{WM: "openbox"}); err == nil {
		t.Error("a start that was given up")
	}
	me, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range me {
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(syscall.Getpid()) {
			t.Error("a child was left:", string(b[:min(len(b), 40)]))
		}
	}
}

func TestEnv(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	t.Setenv("DISPLAY", ":77")
	t.Setenv("XAUTHORITY", "/elsewhere")
	d, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	env := d.Env()
	if !slices.Contains(env, "DISPLAY="+d.Short()) || slices.Contains(env, "DISPLAY=:77") || slices.Contains(env, "XAUTHORITY=/elsewhere") ||
		slices.ContainsFunc(env, func(s string) bool { return strings.HasPrefix(s, "WAYLAND_DISPLAY=") }) {
		t.Error("the environment leads elsewhere")
	}
}
