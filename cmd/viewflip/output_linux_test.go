package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/screen"
	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
	"viewflip.app/wire"
)

// selfOn prepares this program on a display (nil: none), with nothing of the
// user's and the given further environment.
func selfOn(t *testing.T, d *virtual.Display, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // some live as long as a whole test
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = []string{
		asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LIBGL_ALWAYS_SOFTWARE=1", "NO_AT_BRIDGE=1",
		"VIEWFLIP_LISTEN=127.0.0.1:0", "VIEWFLIP_KEYCHAIN=memory",
	}
	if d != nil {
		for _, e := range d.Env() {
			if strings.HasPrefix(e, "DISPLAY=") || strings.HasPrefix(e, "XAUTHORITY=") {
				cmd.Env = append(cmd.Env, e)
			}
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// firstLine starts a command and reads the first line that it prints.
func firstLine(t *testing.T, cmd *exec.Cmd) (string, io.ReadCloser) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), out
}

// A share whose output nobody can read any more is over, though nothing more is
// printed, and says so.
func TestShareEndsWithItsReader(t *testing.T) {
	d := display(t)
	platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(50, 50, 250, 200)})
	for _, args := range [][]string{{"share", "--window", "Editor", "--json"}, {"share", "--window", "Editor"}} {
		cmd := selfOn(t, d, nil, args...)
		var said logs
		cmd.Stderr = &said
		line, out := firstLine(t, cmd)
		if err := out.Close(); err != nil { // as "head -1" does
			t.Fatal(err)
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitError || said.count(command.ErrUnread.Error()) != 1 {
			t.Errorf("%v: %v, %q", args, err, said.String())
		}
		if args[len(args)-1] != "--json" {
			continue
		}
		// The link in the line is the link, also for who cuts it out by hand.
		var e struct{ Link string }
		if err := json.Unmarshal([]byte(line), &e); err != nil || !strings.Contains(e.Link, "&") || !strings.Contains(line, e.Link) {
			t.Errorf("%v: %q is not in %s", err, e.Link, line)
		}
	}
}

// A display that refuses this program, one that is gone and one that cannot draw
// give one sentence that says what to do, whatever the command.
func TestUnusableDisplay(t *testing.T) {
	start := func(o virtual.Options) *virtual.Display {
		d, err := virtual.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	closed, plain := start(virtual.Options{}), start(virtual.Options{NoGL: true})
	link := wire.Link{
		Service: wire.Service{Addrs: []string{"127.0.0.1:9"}, Pin: [32]byte{1}}, Invite: wire.InviteID{2}, Inviter: wire.Address{3},
		Secret: wire.NewSecret([32]byte{4}),
	}.String()
	screens := [][]string{{}, {"join", link}, {link}}
	all := append(screens, []string{"windows"}, []string{"share", "--window", "x"})
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		name, want string
		on         *virtual.Display
		env        []string
		args       [][]string
	}{
		{"refuses", "refuses this program", nil, []string{"DISPLAY=" + closed.Short(), "XAUTHORITY=" + none}, all},
		{"gone", "does not answer", nil, []string{"DISPLAY=:4711"}, all},
		{"none", "there is no display", nil, nil, all},
		{"cannot draw", "OpenGL does not work", plain, nil, screens},
	} {
		for _, args := range c.args {
			cmd := selfOn(t, c.on, c.env, args...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitError || strings.Count(string(out), "\n") != 1 ||
				!strings.HasPrefix(string(out), "viewflip: ") || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %v: %v, %q", c.name, args, err, out)
			}
		}
	}
}

// Nothing that a command starts is there when it has ended: no process, no mount.
// There is no session bus, and the program that would start one waits for its
// chance on the path.
func TestNothingIsLeftBehind(t *testing.T) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Skip("orphans cannot be counted here:", err)
	}
	t.Cleanup(func() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) })
	bin := t.TempDir()
	launcher := "#!/bin/sh\nsetsid sleep 600 </dev/null >/dev/null 2>&1 &\necho DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent\necho DBUS_SESSION_BUS_PID=$!\n"
	if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte(launcher), 0o700); err != nil {
		t.Fatal(err)
	}
	d := display(t)
	platformtest.NewWindow(t, d.Name(), platformtest.Options{Title: "Editor", Bounds: image.Rect(50, 50, 250, 200)})
	eyes, err := screen.Open(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(eyes.Close)
	env := []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + bin, "VIEWFLIP_KEYCHAIN="}
	share := selfOn(t, d, env, "share", "--window", "Editor")
	link, _ := firstLine(t, share)
	processes, mounts := descendants(t), mountsNow(t)
	check := func(args []string) {
		t.Helper()
		if now := descendants(t); len(now) != len(processes) {
			t.Errorf("viewflip %v left processes: %v, before: %v", args, now, processes)
			for _, p := range now {
				if !slices.Contains(processes, p) {
					_ = unix.Kill(atoi(p[strings.LastIndex(p, " ")+1:]), unix.SIGKILL)
				}
			}
		}
		if now := mountsNow(t); now != mounts {
			t.Errorf("viewflip %v left mounts: %s", args, now)
		}
	}
	for _, args := range [][]string{
		{"version"}, {"help"}, {"windows"}, {"windows", "--json"}, {"doctor"}, {"account"}, {"contacts"}, {"answer"},
		{"signup", "--service", "nonsense"}, {"demo", "--out", t.TempDir()},
	} {
		cmd := selfOn(t, d, env, args...)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Errorf("%v: %v, %s", args, err, out)
		}
		check(args)
	}
	for _, args := range [][]string{{}, {link}, {"join", link}} {
		cmd := selfOn(t, d, env, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err := screen.Until(ctx, func() bool { return eyes.Titled("viewflip") != 0 || eyes.Titled("Editor — ") != 0 })
		cancel()
		if err != nil {
			t.Fatalf("%v: no window: %v", args, err)
		}
		_ = cmd.Process.Signal(unix.SIGTERM)
		_ = cmd.Wait()
		check(args)
	}
	_ = share.Process.Signal(unix.SIGTERM)
	_ = share.Wait()
	processes = processes[:len(processes)-1]
	if now := descendants(t); len(now) > len(processes) {
		t.Errorf("viewflip share left processes: %v, before: %v", now, processes)
	}
}

// descendants are the processes below this one, dead ones and threads apart.
func descendants(t *testing.T) (out []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	type process struct {
		parent int
		name   string
	}
	all := map[int]process{}
	for _, e := range entries {
		var pid, parent int
		var state string
		b, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		head, tail, _ := strings.Cut(string(b), ") ")
		pid = atoi(strings.Fields(head)[0])
		if _, err := fmt.Sscan(tail, &state, &parent); err != nil || state == "Z" {
			continue
		}
		_, name, _ := strings.Cut(head, "(")
		all[pid] = process{parent, name}
	}
	for pid, p := range all {
		for up := p.parent; up > 1; up = all[up].parent {
			if up == os.Getpid() {
				out = append(out, fmt.Sprint(p.name, " ", pid))
				break
			}
		}
	}
	return out
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// mountsNow are the file systems of processes that are mounted.
func mountsNow(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	var fuse []string
	for _, l := range strings.Split(string(b), "\n") {
		if strings.Contains(l, "fuse") {
			fuse = append(fuse, l)
		}
	}
	return strings.Join(fuse, "\n")
}
