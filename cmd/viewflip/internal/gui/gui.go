// Package gui has the commands that open windows: home, "viewflip join" and
// "viewflip answer". It gives the GUI this machine, its person's account and calls.
package gui

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log"
	"log/slog"
	"strings"
	"time"

	"viewflip.app/capture"
	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/platform"
	"viewflip.app/ui"
	"viewflip.app/ui/glass"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// thumbWidth and thumbHeight bound the picker's pictures, in pixels.
const thumbWidth, thumbHeight = 480, 300

// Home opens the home window; with a link, which any web page may have handed to
// the desktop, it asks whether to join that call.
func Home(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "")
	name := fs.String("name", "", "how others see you")
	rest, err := command.Parse(fs, args)
	if err != nil || len(rest) > 1 {
		return command.ErrUsage
	}
	o := ui.Options{}
	if len(rest) == 1 {
		l, err := wire.ParseLink(rest[0])
		if err != nil {
			return err
		}
		o.Link = l.String()
	}
	return run(ctx, w, options{Options: o, name: *name})
}

// Join is the command "viewflip join": it opens the viewer windows of a call and nothing else.
func Join(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "join")
	name := fs.String("name", "", "how others see you")
	control := fs.Bool("control", false, "ask for control of every window at once")
	stats := fs.Bool("stats", false, "print how long pictures take, one JSON object a second for each window")
	rest, err := command.Parse(fs, args)
	if err != nil || len(rest) != 1 {
		if err == nil {
			_, _ = fmt.Fprintln(w.Stderr, "viewflip: say which link: viewflip join LINK")
		}
		return command.ErrUsage
	}
	l, err := wire.ParseLink(rest[0])
	if err != nil {
		return err
	}
	if *stats {
		var stop context.CancelFunc
		ctx, stop = command.Streaming(ctx, w.Stdout)
		defer stop()
	}
	return command.Ended(ctx, run(ctx, w, options{
		Options: ui.Options{Link: l.String(), ViewerOnly: true, AskControl: *control}, name: *name, stats: *stats,
	}))
}

// options are those of the GUI, and what is settled before it starts.
type options struct {
	ui.Options
	name string
	// stats prints how long pictures take.
	stats bool
	// await waits for a link first; nil does not.
	await func(context.Context, *app.App) (*wire.Link, error)
}

// run runs the GUI, on the main goroutine.
func run(ctx context.Context, w command.World, o options) error {
	// Fyne and GLFW print what they stumble over; that is for developers.
	log.SetFlags(0)
	log.SetOutput(toolkitLog{w.Logger()})
	desk, err := platform.Open("", w.Logger())
	switch {
	case err == nil:
		defer desk.Close() //nolint:errcheck // nothing is written
		o.Desktop = desk
	case errors.Is(err, platform.ErrNoDisplay) && platform.CurrentSession(w.Getenv).Type != platform.SessionWayland:
		return err // no windows of ours either
	default: // there is a screen, but none of its windows can be shared
		o.Notice = "Only joining works here: " + command.Plain(err) + "."
	}
	a, err := app.Open(ctx, w, o.name, desk)
	if err != nil {
		return err
	}
	defer a.Close()
	if notice := a.Guard(); notice != "" && o.Notice == "" {
		o.Notice = notice
	}
	if o.Notice == "" {
		o.Notice = a.Keys.Describe()
	}
	if err := o.begin(ctx, a); err != nil {
		return err
	}
	o.use(a)
	err = ui.Run(ctx, o.Options)
	if errors.Is(err, ui.ErrNoWindows) {
		return errors.New("this build has no windows of its own; \"viewflip share\" and \"viewflip windows\" work")
	}
	return err
}

// begin waits for a link if one is awaited; else it connects the account for the home
// window.
func (o *options) begin(ctx context.Context, a *app.App) error {
	if o.await != nil {
		l, err := o.await(ctx, a)
		if err != nil {
			return err
		}
		o.Link = l.String()
		return nil
	}
	acct, err := a.Holder.Open(ctx)
	switch {
	case err != nil:
		return err
	case acct != nil && !o.ViewerOnly:
		a.Holder.Run(acct)
	default:
		a.Holder.LookAside(ctx)
	}
	return nil
}

// use gives the GUI what it needs of an App.
func (o *options) use(a *app.App) {
	o.People = People(a)
	o.NewCall = func(ctx context.Context, link *wire.Link) (ui.Call, error) {
		c, err := a.NewCall(ctx, link)
		if err != nil {
			return nil, err
		}
		if o.stats {
			a.Go(func(ctx context.Context) {
				if err := printLatency(ctx, a.Stdout, c); err != nil {
					a.Log.Warn("latency not printed", "err", err)
				}
			})
		}
		return ui.FromSession(c), nil
	}
	o.Name, o.SetName, o.Log = a.Name, a.SetName, a.Log
	if o.Desktop != nil {
		o.Thumbnail = func(ctx context.Context, id platform.WindowID) (ui.Thumbnails, error) {
			s, err := a.System.Capture(ctx, id, capture.Options{MinInterval: time.Second, Alone: true})
			if err != nil {
				return nil, err
			}
			return &thumbnails{stream: s}, nil
		}
	}
}

// thumbnails are small pictures of one window.
type thumbnails struct {
	stream capture.Stream
	scaler glass.Scaler
}

// Next implements [ui.Thumbnails].
func (t *thumbnails) Next(ctx context.Context) (*image.RGBA, error) {
	f, err := t.stream.Next(ctx)
	if err != nil {
		return nil, err
	}
	defer f.Release()
	fit := glass.FitIn(image.Rect(0, 0, thumbWidth, thumbHeight), f.W, f.H)
	small := video.NewFrame(min(fit.Rect.Dx(), f.W), min(fit.Rect.Dy(), f.H))
	t.scaler.Resize(f.W, f.H, small.W, small.H)
	t.scaler.Draw(small.Pix, f, small.Bounds())
	out := image.NewRGBA(small.Bounds())
	for i := 0; i < len(small.Pix); i += video.BytesPerPixel {
		out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = small.Pix[i+2], small.Pix[i+1], small.Pix[i], 255
	}
	return out, nil
}

// Close implements [ui.Thumbnails].
func (t *thumbnails) Close() { _ = t.stream.Close() }

// toolkitLog takes what the GUI toolkit prints through the standard logger.
type toolkitLog struct{ log *slog.Logger }

// Write implements [io.Writer].
func (t toolkitLog) Write(b []byte) (int, error) {
	t.log.Debug("toolkit", "text", strings.TrimSpace(string(b)))
	return len(b), nil
}
