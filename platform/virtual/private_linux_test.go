package virtual_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jezek/xgb"

	"viewflip.app/platform/virtual"
	"viewflip.app/platform/x11"
)

// knocker is set in the environment of this test's own program when it runs as
// somebody else, to a display's socket.
const knocker = "VIEWFLIP_TEST_KNOCK"

func TestMain(m *testing.M) {
	if socket := os.Getenv(knocker); socket != "" {
		fmt.Print(knock(socket))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// knock connects as X clients do that have no cookie, and says what came of it.
func knock(socket string) string {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return "no connection: " + err.Error()
	}
	defer c.Close()
	if _, err := c.Write([]byte{'l', 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return err.Error()
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		return err.Error()
	}
	return map[byte]string{0: "refused", 1: "let in"}[answer[0]]
}

// A private display is entered with its cookie alone: not by other users of the
// machine, not by other programs of this one, not by TCP, and not past what
// hides files.
func TestPrivate(t *testing.T) {
	d, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	name, authority := x11.SplitAuthority(d.Name())
	number := strings.TrimPrefix(name, ":")
	socket := "/tmp/.X11-unix/X" + number
	if got := knock(socket); got != "refused" {
		t.Error("a client without the cookie:", got)
	}
	t.Setenv("XAUTHORITY", filepath.Join(t.TempDir(), "none"))
	if c, err := x11.Connect(name); !errors.Is(err, x11.ErrNoDisplay) {
		t.Error("a client without the cookie is let in:", err)
		c.Close()
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := x11.WriteAuthority(other); err != nil {
		t.Fatal(err)
	}
	if c, err := x11.Connect(x11.WithAuthority(name, other)); !errors.Is(err, x11.ErrNoDisplay) {
		t.Error("another cookie is taken:", err)
		c.Close()
	}
	c, err := x11.Connect(d.Name())
	if err != nil {
		t.Fatal("the cookie is refused:", err)
	}
	c.Close()
	t.Setenv("XAUTHORITY", authority)
	x, err := xgb.NewConnDisplay(name) // as other programs find it
	if err != nil {
		t.Fatal("the authority file is not understood:", err)
	}
	x.Close()
	for _, path := range []string{authority, filepath.Dir(authority)} {
		if i, err := os.Stat(path); err != nil || i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", path, i.Mode(), err)
		}
	}
	if got := knock("@" + socket); !strings.HasPrefix(got, "no connection") {
		t.Error("at the abstract socket:", got)
	}
	n, _ := strconv.Atoi(number)
	if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(6000+n))); err == nil {
		t.Error("it listens at TCP")
		c.Close()
	}
	listens(t, socket)

	t.Run("another user", func(t *testing.T) {
		if os.Getuid() != 0 {
			t.Skip("only root can be somebody else")
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		// From a descriptor: the directory of tests is closed to others.
		f, err := os.Open(self)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := exec.Command("/proc/self/fd/3")
		cmd.ExtraFiles = []*os.File{f}
		cmd.Dir, cmd.Env = "/", []string{knocker + "=" + socket}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "refused" {
			t.Errorf("%q %v", out, err)
		}
	})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(authority)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the cookie outlives the display:", err)
	}
}

// listens fails unless the display's file is the one socket of its name at which
// somebody listens: an abstract one has an @ before it.
func listens(t *testing.T, socket string) {
	t.Helper()
	b, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	const accepting = 1 << 16 // __SO_ACCEPTCON in the column of flags
	var at []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) != 8 || strings.TrimPrefix(f[7], "@") != socket {
			continue
		}
		if flags, err := strconv.ParseUint(f[3], 16, 64); err == nil && flags&accepting != 0 {
			at = append(at, f[7])
		}
	}
	if len(at) != 1 || at[0] != socket {
		t.Error("it listens at", at)
	}
}

// A server that looks for a number by itself does not take a private display's,
// and its socket with it.
func TestNumberIsKept(t *testing.T) {
	d, err := virtual.Start(t.Context(), virtual.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for range 3 {
		foreign := exec.Command("Xvfb", "-displayfd", "1", "-nolisten", "tcp", "-screen", "0", "64x64x24")
		out, err := foreign.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := foreign.Start(); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 16)
		n, err := out.Read(b)
		if err != nil || ":"+strings.TrimSpace(string(b[:n])) == d.Short() {
			t.Errorf("the other server has :%s beside %s: %v", b[:n], d.Short(), err)
		}
		c, err := x11.Connect(d.Name())
		if err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		_ = foreign.Process.Signal(syscall.SIGTERM)
		_ = foreign.Wait()
	}
}
