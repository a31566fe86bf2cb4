package virtual

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

// startTime is how long a display or its window manager may take to come up.
const startTime = 20 * time.Second

// Options says what to start.
type Options struct {
	// Size of the screen in pixels; 1280x1024 if zero.
	Size image.Point
	// WM is the window manager's program, with arguments after spaces; "" means
	// none.
	WM string
	// NoGL leaves GLX out, as servers without a driver for it do.
	NoGL bool
}

// Display is a running virtual display. Its methods may be called from any
// goroutine.
type Display struct {
	name   string
	dir    string    // of the authority file
	hold   io.Closer // keeps the display's number from other servers
	starts chan<- func()

	mu   sync.Mutex
	kids []*exec.Cmd // nil after Close
	over bool
	// first is the client that waited for the window manager. It stays, so
	// that no other gets its window ids while the manager still ends with them.
	first *x11.Conn
}

// ErrClosed means that the display was closed already.
var ErrClosed = errors.New("virtual: the display is closed")

// Start starts Xvfb and the window manager and waits until both are ready. ctx
// bounds the start only.
func Start(ctx context.Context, o Options) (*Display, error) {
	if o.Size == (image.Point{}) {
		o.Size = image.Pt(1280, 1024)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	d := &Display{starts: starter()}
	if err := errors.Join(d.authorize(), d.serve(ctx, o)); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	wm := strings.Fields(o.WM)
	if len(wm) == 0 {
		return d, nil
	}
	if err := d.Run(wm[0], wm[1:]...); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.awaitWM(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// serve starts the X server and waits until it takes connections.
func (d *Display) serve(ctx context.Context, o Options) error {
	number, hold, err := reserve()
	if err != nil {
		return err
	}
	d.hold = hold
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("virtual: %w", err)
	}
	defer r.Close() //nolint:errcheck // read only
	d.name = ":" + strconv.Itoa(number)
	gl := "+extension"
	if o.NoGL {
		gl = "-extension"
	}
	// Without -auth a server lets in every user of the machine. Its abstract
	// socket (-nolisten local) would be reached past whatever hides files, as a
	// sandbox does.
	cmd := exec.Command("Xvfb", d.name, "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", o.Size.X, o.Size.Y),
		"-auth", d.authority(), "-nolisten", "tcp", "-nolisten", "local", "-noreset", gl, "GLX", "+extension", "Composite")
	cmd.ExtraFiles = []*os.File{w}
	err = d.start(cmd)
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("virtual: Xvfb is needed (package xvfb): %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Now()) })()
	if _, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		return fmt.Errorf("virtual: Xvfb did not start: %w", err)
	}
	return nil
}

// awaitWM waits until the window manager manages windows. Its check window
// (EWMH) comes earlier: openbox loses windows that map while it starts, so one
// of ours is tried until it is shown.
func (d *Display) awaitWM(ctx context.Context) error {
	c, err := x11.Connect(d.Name())
	if err != nil {
		return fmt.Errorf("virtual: %w", err)
	}
	d.first = c
	for {
		if len(c.Cardinals(c.Root, "_NET_SUPPORTING_WM_CHECK")) > 0 && probe(c) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("virtual: the window manager did not start")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// probe maps a window and reports whether the window manager showed it soon.
func probe(c *x11.Conn) bool {
	w, err := xproto.NewWindowId(c.Conn)
	if err != nil {
		return false
	}
	xproto.CreateWindow(c.Conn, c.Screen.RootDepth, w, c.Root, 0, 0, 8, 8, 0, xproto.WindowClassInputOutput, c.Screen.RootVisual, 0, nil)
	xproto.MapWindow(c.Conn, w)
	defer xproto.DestroyWindow(c.Conn, w)
	for range 10 {
		a, err := xproto.GetWindowAttributes(c.Conn, w).Reply()
		if err == nil && a.MapState == xproto.MapStateViewable {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// authorize makes the display's cookie, in a directory for this user alone.
func (d *Display) authorize() error {
	dir, err := os.MkdirTemp(os.Getenv("XDG_RUNTIME_DIR"), "viewflip-display-")
	if err != nil { // a session that is over left its name behind
		dir, err = os.MkdirTemp("", "viewflip-display-")
	}
	if err != nil {
		return fmt.Errorf("virtual: %w", err)
	}
	d.dir = dir
	return x11.WriteAuthority(d.authority())
}

func (d *Display) authority() string { return filepath.Join(d.dir, "authority") }

// Name is the display and its authority, for what connects from this process:
// see [x11.WithAuthority].
func (d *Display) Name() string { return x11.WithAuthority(d.name, d.authority()) }

// Short is the display as people write it, without its authority.
func (d *Display) Short() string { return d.name }

// Env is this process's environment pointed at the display, for other programs.
func (d *Display) Env() []string {
	var out []string
	for _, e := range os.Environ() {
		switch k, _, _ := strings.Cut(e, "="); k {
		case "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE":
		default:
			out = append(out, e)
		}
	}
	return append(out, "DISPLAY="+d.name, "XAUTHORITY="+d.authority(), "XDG_SESSION_TYPE=x11")
}

// Run starts a client on the display; it ends with it.
func (d *Display) Run(program string, args ...string) error { return d.RunEnv(nil, program, args...) }

// RunEnv is Run with more environment, as "NAME=value".
func (d *Display) RunEnv(env []string, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env = env
	return d.Start(cmd)
}

// Start starts a prepared command on the display: what cmd.Env holds is added
// to [Display.Env]. It is ended and waited for by Close, so the caller must not
// wait for it; the end of its output tells when it ended before.
func (d *Display) Start(cmd *exec.Cmd) error {
	cmd.Env = append(d.Env(), cmd.Env...)
	if err := d.start(cmd); err != nil {
		return fmt.Errorf("virtual: %s: %w", cmd.Path, err)
	}
	return nil
}

// starter runs functions on one thread that lives until the channel is closed:
// children are told to die with the thread that started them.
func starter() chan<- func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its children
		for f := range c {
			f()
		}
	}()
	return c
}

func (d *Display) start(cmd *exec.Cmd) error {
	isolate(cmd)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return ErrClosed
	}
	result := make(chan error)
	d.starts <- func() { result <- cmd.Start() }
	if err := <-result; err != nil {
		return err
	}
	d.kids = append(d.kids, cmd)
	return nil
}

// Close ends everything that was started, last first, and waits for it. A
// second Close does nothing.
func (d *Display) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return nil
	}
	d.over = true
	if d.first != nil {
		d.first.Close()
	}
	for i := len(d.kids) - 1; i >= 0; i-- {
		end(d.kids[i])
	}
	d.kids = nil
	close(d.starts)
	if d.hold != nil {
		_ = d.hold.Close()
	}
	if d.dir == "" {
		return nil
	}
	return os.RemoveAll(d.dir)
}
