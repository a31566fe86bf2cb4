package platform_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"viewflip.app/platform"
)

func env(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestCurrentSession(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sessions differ on Linux only")
	}
	for _, c := range []struct {
		getenv func(string) string
		want   platform.SessionType
	}{
		{env(), platform.SessionNone},
		{env("XDG_SESSION_TYPE", "tty"), platform.SessionNone},
		{env("XDG_SESSION_TYPE", "wayland"), platform.SessionNone},
		{env("DISPLAY", ":0"), platform.SessionX11},
		{env("DISPLAY", ":0", "XDG_SESSION_TYPE", "x11"), platform.SessionX11},
		{env("DISPLAY", ":0", "XDG_SESSION_TYPE", "wayland"), platform.SessionWayland},
		{env("WAYLAND_DISPLAY", "wayland-0"), platform.SessionWayland},
		{env("DISPLAY", ":0", "WAYLAND_DISPLAY", "wayland-0"), platform.SessionWayland},
	} {
		if got := platform.CurrentSession(c.getenv).Type; got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestParseWindowID(t *testing.T) {
	for _, s := range []string{"0x1400003", "20971523"} {
		id, err := platform.ParseWindowID(s)
		if err != nil || id.String() != "0x1400003" || id != platform.NewWindowID(0x1400003) {
			t.Error(s, id, err)
		}
	}
	for _, s := range []string{"", "0", "-1", "xterm", "0x100000000", "1.5"} {
		if id, err := platform.ParseWindowID(s); err == nil {
			t.Error(s, "is", id)
		}
	}
}

func TestUserDirs(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("XDG directories are Linux's")
	}
	t.Setenv("HOME", "/home/u")
	t.Setenv("XDG_CONFIG_HOME", "")
	d, err := platform.UserDirs(env())
	if err != nil || d.Config != filepath.FromSlash("/home/u/.config/viewflip") || d.Data != filepath.FromSlash("/home/u/.local/share/viewflip") {
		t.Error(d, err)
	}
	if d, err = platform.UserDirs(env("XDG_DATA_HOME", "/data")); err != nil || d.Data != "/data/viewflip" {
		t.Error(d, err)
	}
}
