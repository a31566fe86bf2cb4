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
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"viewflip.app/platform/platformtest"
	"viewflip.app/platform/virtual"
)

// selfOn prepares this program on a display (nil: none), with nothing of the
// user's and the given further environment.
func selfOn(t *testing.T, d *virtual.Display, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	home := t.TempDir()
	cmd.Env = []string{
		asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "LIBGL_ALWAYS_SOFTWARE=1", "NO_AT_BRIDGE=1",
		"VIEWFLIP_LISTEN=127.0.0.1:0", "VIEWFLIP_KEYCHAIN=memory",
	}
	if d != nil {
		cmd.Env = append(cmd.Env, "DISPLAY="+d.Name())
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
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitError || said.count(errUnread.Error()) != 1 {
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
	closed := virtualDisplay(t, virtual.Options{})
	plain := virtualDisplay(t, virtual.Options{NoGL: true})
	for _, c := range []struct {
		name    string
		display string
		want    string
		args    [][]string
	}{
		{"refuses", closed.Name(), "refuses this program", [][]string{{}, {"windows"}, {"share", "--window", "x"}, {"join", exampleLink(t)}, {exampleLink(t)}}},
		{"gone", ":4711", "does not answer", [][]string{{}, {"windows"}, {"share", "--window", "x"}, {"join", exampleLink(t)}, {exampleLink(t)}}},
		{"none", "", "there is no display", [][]string{{}, {"windows"}, {"share", "--window", "x"}, {"join", exampleLink(t)}, {exampleLink(t)}}},
		{"cannot draw", plain.Name(), "OpenGL does not work", [][]string{{}, {"join", exampleLink(t)}, {exampleLink(t)}}},
	} {
		for _, args := range c.args {
			env := []string{"DISPLAY=" + c.display}
			if c.name == "refuses" {
				env = append(env, "XAUTHORITY="+filepath.Join(t.TempDir(), "none"))
			}
			cmd := selfOn(t, nil, env, args...)
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitError || strings.Count(string(out), "\n") != 1 ||
				!strings.HasPrefix(string(out), "viewflip: ") || !strings.Contains(string(out), c.want) {
				t.Errorf("%s, %v: %v, %q", c.name, args, err, out)
			}
		}
	}
}
