package keychain

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestSessionBus(t *testing.T) {
	runtime := t.TempDir()
	if err := sessionBus("unix:path=/somewhere", runtime); err != nil {
		t.Error(err)
	}
	for _, address := range []string{"", "autolaunch:"} {
		if err := sessionBus(address, runtime); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%q: %v", address, err)
		}
	}
	dir := filepath.Join(runtime, strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	if err := sessionBus("", runtime); err != nil {
		t.Errorf("the bus of the user's session: %v", err)
	}
}

// inside marks the test binary that runs itself in another environment: the
// D-Bus library keeps one connection for each process.
const inside = "VIEWFLIP_KEYCHAIN_TEST"

// elsewhere runs one test of this binary again, by command, in an environment
// of its own, which is all that it sees.
func elsewhere(t *testing.T, test string, environment []string, command ...string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command = append(command, exe, "-test.run=^"+test+"$", "-test.v", "-test.timeout=60s")
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	home := t.TempDir()
	cmd.Env = append([]string{
		inside + "=" + test, "PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home,
		"XDG_DATA_HOME=" + filepath.Join(home, "data"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "LC_ALL=C.UTF-8",
	}, environment...)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The real thing: gnome-keyring on a session bus of its own.
func TestSecretService(t *testing.T) {
	if os.Getenv(inside) != t.Name() {
		for _, program := range []string{"dbus-run-session", "dbus-send", "gnome-keyring-daemon"} {
			if _, err := exec.LookPath(program); err != nil {
				t.Fatalf("%s is missing; \"make test\" installs it", program)
			}
		}
		elsewhere(t, t.Name(), nil, "dbus-run-session", "--")
		return
	}
	startKeyring(t)
	for _, kind := range []Kind{OS, Auto, ""} {
		k, err := Open(t.Context(), Options{App: "viewflip-test", Kind: kind})
		if err != nil || k.Kind() != OS {
			t.Fatalf("kind %q: %v, %v", kind, k, err)
		}
		conform(t, k)
		if kind == OS {
			if err := k.Set(t.Context(), "kept", []byte("value")); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := k.Get(t.Context(), "kept"); err != nil || string(got) != "value" {
			t.Errorf("opened again: %q, %v", got, err)
		}
	}
	other, err := Open(t.Context(), Options{App: "viewflip-test-2", Kind: OS})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Get(t.Context(), "kept"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another program sees our entry: %v", err)
	}
}

func startKeyring(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
	cmd.Stdin = strings.NewReader("password of the login keyring\n")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	// Asking for a secret too early would make the bus start another daemon.
	for deadline := time.Now().Add(10 * time.Second); !owned(t, "org.freedesktop.secrets"); {
		if time.Now().After(deadline) {
			t.Fatal("gnome-keyring did not start")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// owned reports whether a program has taken a name on the session bus.
func owned(t *testing.T, name string) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "string:"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("dbus-send: %v\n%s", err, out)
	}
	return strings.Contains(string(out), "boolean true")
}

// A bus that nobody serves a keychain on, a dead bus, and none at all: OS says
// why, Auto goes on in memory and says so, and nothing is started.
func TestNoSecretService(t *testing.T) {
	if os.Getenv(inside) != t.Name() {
		trap := t.TempDir()
		started := filepath.Join(trap, "started")
		script := "#!/bin/sh\necho x >" + started + "\n"
		if err := os.WriteFile(filepath.Join(trap, "dbus-launch"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
		path := "PATH=" + trap + ":" + os.Getenv("PATH")
		elsewhere(t, t.Name(), []string{path, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent"})
		if sessionBus("", "/run/user") == nil { // a real session: its keychain is none of our business
			return
		}
		elsewhere(t, t.Name(), []string{path})
		elsewhere(t, t.Name(), []string{path, "DBUS_SESSION_BUS_ADDRESS=autolaunch:"})
		if _, err := os.Stat(started); err == nil {
			t.Error("a session bus was started")
		}
		return
	}
	if _, err := Open(t.Context(), Options{App: "viewflip-test", Kind: OS}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("os: %v", err)
	}
	k, err := Open(t.Context(), Options{App: "viewflip-test"})
	if err != nil || k.Kind() != Memory {
		t.Fatal(k, err)
	}
	if !strings.Contains(k.Describe(), "because the keychain of this system cannot be used (") {
		t.Error(k.Describe())
	}
	conform(t, k)
}

// A session whose keychain nobody unlocked, and nobody can: the bus may start
// gnome-keyring for us, which then asks for a password on no display. That
// must not hold the program up.
func TestSecretServiceLocked(t *testing.T) {
	if os.Getenv(inside) != t.Name() {
		elsewhere(t, t.Name(), nil, "dbus-run-session", "--")
		return
	}
	if _, err := Open(t.Context(), Options{App: "viewflip-test", Kind: OS}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("os: %v", err)
	}
	k, err := Open(t.Context(), Options{App: "viewflip-test"})
	if err != nil || k.Kind() != Memory {
		t.Fatal(k, err)
	}
	if !strings.Contains(k.Describe(), "because the keychain of this system cannot be used (") {
		t.Error(k.Describe())
	}
}
