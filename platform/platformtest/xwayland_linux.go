package platformtest

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"viewflip.app/platform/x11"
)

// Compositors are the Wayland desktops that Xwayland can start, by the names of
// their programs and Debian packages.
func Compositors() []string { return []string{"weston", "mutter"} }

// Xwayland starts a Wayland desktop without a screen and returns the display of
// its Xwayland, for as long as the test runs. It skips the test where the
// compositor's package or xwayland is not installed.
func Xwayland(t testing.TB, compositor string) string { //nolint:funlen // one process from its environment to its end, of which no step stands alone
	t.Helper()
	for _, p := range [][2]string{{compositor, compositor}, {"Xwayland", "xwayland"}} {
		if _, err := exec.LookPath(p[0]); err != nil {
			t.Skipf("package %s is not installed", p[1])
		}
	}
	dir := t.TempDir()
	cmd := map[string]*exec.Cmd{
		"weston": exec.Command("weston", "--backend=headless-backend.so", "--xwayland", "--socket=wayland-test", "--idle-time=0"),
		"mutter": exec.Command("mutter", "--headless", "--wayland", "--virtual-monitor", "1280x800", "--wayland-display=wayland-test"),
	}[compositor]
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE":
		default:
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	ctx, cancel := context.WithCancel(context.Background())
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // a child dies with the thread that started it
		started <- cmd.Start()
		<-ctx.Done()
	}()
	if err := <-started; err != nil {
		cancel()
		t.Fatal("platformtest:", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		_ = w.Close()
		cancel()
	})
	// weston: "xserver listening on display :1", mutter: "Using public X11
	// display :1, (using :2 for managed services)".
	names := regexp.MustCompile(`(?:listening on|public X11) display (:\d+)`)
	found := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if m := names.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
			}
		}
	}()
	select {
	case name := <-found:
		if files, _ := filepath.Glob(filepath.Join(dir, ".mutter-Xwaylandauth.*")); len(files) > 0 {
			name = x11.WithAuthority(name, files[0])
		}
		return name
	case <-time.After(30 * time.Second):
		t.Fatal("platformtest: " + compositor + " started no Xwayland")
		return ""
	}
}

// Bare takes everything from the environment that says of a Wayland desktop, as
// ssh, sudo and services do.
func Bare(t testing.TB) {
	t.Helper()
	for _, name := range []string{"WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "XDG_SESSION_DESKTOP"} {
		t.Setenv(name, "")
	}
}
