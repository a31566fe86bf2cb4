// Package demo is the command "viewflip demo", which shows on two virtual displays
// that sharing and control work here.
package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jezek/xgb/xproto"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/screen"
	"viewflip.app/platform/virtual"
)

const (
	timeLimit = 90 * time.Second
	// rest without a change means that the picture is complete.
	rest = 50 * time.Millisecond
	// Width of both screens in pixels.
	Width = 1280
	// Height of both screens in pixels.
	Height = 800
	// terminalTitle is the title of the window that is shared.
	terminalTitle = "Terminal"
	notesTitle    = "Private notes"
	sharerName    = "Anna"
	viewerName    = "Ben"
)

// demo is Anna's display, on which a terminal is shared, and Ben's, on which
// it is viewed.
type demo struct {
	w         command.World
	dir, work string

	anna, ben               *screen.Screen
	terminal, cover         xproto.Window
	viewer, picture         xproto.Window
	times                   []time.Duration
	annaDisplay, benDisplay *virtual.Display
}

// Run is the command "viewflip demo": it shows that viewflip works here, without touching the user's display.
func Run(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "demo")
	out := fs.String("out", "", "`directory` for the pictures (default: viewflip-demo here, else a temporary one)")
	if rest, err := command.Parse(fs, args); err != nil || len(rest) > 0 {
		return errors.Join(command.ErrUsage, err)
	}
	if err := needs(); err != nil {
		return err
	}
	dir, err := picturesIn(*out)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "viewflip-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary directory
	ctx, cancel := context.WithTimeoutCause(ctx, timeLimit, errors.New("it took too long"))
	defer cancel()
	d := &demo{w: w, dir: dir, work: work}
	return d.run(ctx)
}

// needs says what has to be installed.
func needs() error {
	var missing, packages []string
	for _, p := range [][2]string{{"Xvfb", "xvfb"}, {"openbox", "openbox"}, {"xterm", "xterm"}} {
		if _, err := exec.LookPath(p[0]); err != nil {
			missing, packages = append(missing, p[0]), append(packages, p[1])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the demo needs %s, not installed here: apt-get install %s (Debian's names)",
		strings.Join(missing, " and "), strings.Join(packages, " "))
}

// picturesIn makes the directory for the pictures.
func picturesIn(out string) (string, error) {
	dir := out
	if dir == "" {
		dir = "viewflip-demo"
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil { // it may be there, and somebody else's
		var f *os.File
		if f, err = os.CreateTemp(dir, ".try"); err == nil {
			return dir, errors.Join(f.Close(), os.Remove(f.Name()))
		}
	}
	if out != "" {
		return "", fmt.Errorf("the pictures cannot be saved there: %w", err)
	}
	return os.MkdirTemp("", "viewflip-demo-")
}

func (d *demo) run(ctx context.Context) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	for _, s := range []struct {
		display **virtual.Display
		screen  **screen.Screen
	}{{&d.annaDisplay, &d.anna}, {&d.benDisplay, &d.ben}} {
		if *s.display, err = virtual.Start(ctx, virtual.Options{Size: image.Pt(Width, Height), WM: "openbox"}); err != nil {
			return err
		}
		defer (*s.display).Close() //nolint:errcheck // nothing is kept
		if *s.screen, err = screen.Open((*s.display).Name()); err != nil {
			return err
		}
		defer (*s.screen).Close()
		if err := (*s.screen).PaintRoot(0x3a4a5c); err != nil {
			return err
		}
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, context.CancelCauseFunc) error
	}{
		{"opening windows", d.furnish}, {"connecting", d.connect}, {"comparing the pictures", d.compare},
		{"typing", d.command}, {"comparing the pictures after it", d.compare}, {"saving the pictures", d.report},
	} {
		if err := step.do(ctx, fail); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return fmt.Errorf("the demo failed while %s: %w", step.what, err)
		}
	}
	return nil
}

// say prints one fact.
func (d *demo) say(format string, a ...any) {
	_, _ = fmt.Fprintf(d.w.Stdout, format+"\n", a...)
}

// furnish opens a terminal with a shell and, over a part of it, a window that
// is nobody else's business.
func (d *demo) furnish(ctx context.Context, _ context.CancelCauseFunc) error {
	look := []string{"-fa", "DejaVu Sans Mono", "-fs", "11", "-fg", "#e4e6ea"}
	shell := append(slices.Clone(look), "-bg", "#1c2026", "-geometry", "88x26+90+110", "-title", terminalTitle,
		"-e", "sh", "-c", `i=1; while [ $i -le 18 ]; do printf '%02d  Private notes cover the end of this line, and the viewer sees it all the same.\n' $i; i=$((i+1)); done; exec sh -i`)
	cmd := exec.Command("xterm", shell...)
	cmd.Dir, cmd.Env = d.work, []string{"PS1=anna$ ", "ENV=", "PWD=" + d.work}
	if err := d.annaDisplay.Start(cmd); err != nil {
		return err
	}
	notes := append(slices.Clone(look), "-bg", "#6b2737", "-geometry", "46x12+640+60", "-title", notesTitle,
		"-e", "sh", "-c", `printf '\n  Private notes of Anna.\n  They cover a part of her terminal.\n  Nobody else sees them.\n'; exec sleep 3600`)
	if err := d.annaDisplay.Run("xterm", notes...); err != nil {
		return err
	}
	err := screen.Until(ctx, func() bool {
		d.terminal, d.cover = d.anna.Titled(terminalTitle), d.anna.Titled(notesTitle)
		return d.terminal != 0 && d.cover != 0
	})
	if err != nil {
		return err
	}
	// A click raises the terminal; the notes shall cover it all the same.
	const add, fromApplication = 1, 1
	above := uint32(d.anna.Atom("_NET_WM_STATE_ABOVE"))
	return errors.Join(d.anna.Own(d.terminal), d.anna.Ask(d.cover, "_NET_WM_STATE", add, above, 0, fromApplication))
}

// StartSelf runs this program on a display, with nothing of the user's, and
// returns its first line of output. ended is called when it is over.
func StartSelf(on *virtual.Display, stderr io.Writer, ended func(), args ...string) (<-chan string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Stderr = stderr
	cmd.Env = []string{
		"VIEWFLIP_KEYCHAIN=memory", "VIEWFLIP_LISTEN=127.0.0.1:0", "VIEWFLIP_ADVERTISE=", "VIEWFLIP_SERVICE=", "VIEWFLIP_ICE=",
		"LIBGL_ALWAYS_SOFTWARE=1",
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := on.Start(cmd); err != nil {
		return nil, err
	}
	first := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			select {
			case first <- lines.Text():
			default:
			}
		}
		ended()
	}()
	return first, nil
}

// StartShare shares a window with control for everybody and waits for its link.
func StartShare(ctx context.Context, on *virtual.Display, stderr io.Writer, ended func(), window xproto.Window, name string) (string, error) {
	first, err := StartSelf(on, stderr, ended, "share", "--window", fmt.Sprintf("0x%x", window), "--grant", "control", "--name", name, "--json")
	if err != nil {
		return "", err
	}
	select {
	case line := <-first:
		var event struct{ Link string }
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			return "", fmt.Errorf("viewflip share printed no link: %w", err)
		}
		return event.Link, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// connect shares the terminal and opens the viewer.
func (d *demo) connect(ctx context.Context, fail context.CancelCauseFunc) error {
	link, err := StartShare(ctx, d.annaDisplay, d.w.Stderr, func() { fail(errors.New("viewflip share ended too soon")) }, d.terminal, sharerName)
	if err != nil {
		return err
	}
	_, err = StartSelf(d.benDisplay, d.w.Stderr, func() { fail(errors.New("viewflip join ended too soon")) }, "join", link, "--name", viewerName, "--control")
	if err != nil {
		return err
	}
	err = screen.Until(ctx, func() bool {
		if d.viewer = d.ben.Titled(terminalTitle); d.viewer == 0 {
			return false
		}
		d.picture = d.ben.PictureOf(d.viewer)
		return d.picture != 0
	})
	if err != nil {
		return err
	}
	d.say("%s shares a terminal on display %s; %s's viewer shows it on display %s.", sharerName, d.annaDisplay.Short(), viewerName, d.benDisplay.Short())
	return errors.Join(d.ben.Place(d.viewer, image.Rectangle{Min: image.Pt(90, 90)}), d.ben.Watch(d.picture))
}

// compare waits until the viewer shows exactly the terminal's own pixels.
func (d *demo) compare(ctx context.Context, _ context.CancelCauseFunc) error {
	return screen.Until(ctx, func() bool {
		a, as, err := d.anna.Picture(d.terminal)
		if err != nil {
			return false
		}
		b, bs, err := d.ben.Picture(d.picture)
		return err == nil && as == bs && bytes.Equal(a, b)
	})
}

// command types a command into the viewer, as Ben, and waits until Anna's
// shell has executed it. Every key is timed.
func (d *demo) command(ctx context.Context, _ context.CancelCauseFunc) error {
	at, err := d.ben.Bounds(d.picture)
	if err != nil {
		return err
	}
	if err := d.ben.Click(at.Min.Add(image.Pt(60, at.Dy()/2))); err != nil {
		return err
	}
	// The click gives the viewer's window the keyboard. The terminal has it from
	// the viewer's own one; Anna's stays where it is, unless they share one.
	shared := d.w.Getenv("VIEWFLIP_CURSOR") == "shared"
	if err := screen.Until(ctx, func() bool { return d.ben.Focused(d.viewer) && (!shared || d.anna.Focused(d.terminal)) }); err != nil {
		return err
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // it never fails
	token := hex.EncodeToString(random)
	for _, r := range "echo " + token + " >executed" {
		if err := d.ben.Rest(ctx, rest); err != nil {
			return err
		}
		before, size, err := d.ben.Picture(d.picture)
		if err != nil {
			return err
		}
		begin := time.Now()
		err = d.ben.Strike(r, func() error {
			err := d.ben.Changed(ctx, d.picture, before, size)
			d.times = append(d.times, time.Since(begin))
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := d.ben.Strike(screen.Enter, func() error { return nil }); err != nil {
		return err
	}
	return screen.Until(ctx, func() bool {
		b, _ := os.ReadFile(filepath.Join(d.work, "executed"))
		return strings.TrimSpace(string(b)) == token
	})
}

// report saves the pictures and says what was seen.
func (d *demo) report(ctx context.Context, _ context.CancelCauseFunc) error {
	if err := d.ben.Rest(ctx, rest); err != nil {
		return err
	}
	sharer, viewer := filepath.Join(d.dir, "sharer.png"), filepath.Join(d.dir, "viewer.png")
	if err := errors.Join(photograph(ctx, d.annaDisplay, sharer), photograph(ctx, d.benDisplay, viewer)); err != nil {
		return err
	}
	slices.Sort(d.times)
	at := func(percent int) float64 {
		return float64(d.times[(len(d.times)-1)*percent/100].Microseconds()) / 1000
	}
	d.say("The viewer's picture equals the window's own pixels, also where another window covers it.")
	d.say("%s typed a command into it; %s's shell executed it.", viewerName, sharerName)
	d.say("From a key press at the viewer to changed pixels in the viewer's window, read from the X server: p50 %.1f ms, p95 %.1f ms (%d keys).",
		at(50), at(95), len(d.times))
	d.say("Pictures of both displays: %s and %s", sharer, viewer)
	return nil
}
