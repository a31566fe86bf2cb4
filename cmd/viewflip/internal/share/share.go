// Package share has the commands "viewflip windows" and "viewflip share", which share
// windows without a GUI.
package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/platform"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
)

type windowJSON struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	App    string `json:"app"`
	PID    int    `json:"pid"`
	X      int    `json:"x"`
	Y      int    `json:"y"`
	W      int    `json:"w"`
	H      int    `json:"h"`
	Hidden bool   `json:"hidden"`
}

// Windows is the command "viewflip windows".
func Windows(ctx context.Context, w command.World, args []string) error {
	fs := command.Flags(w, "windows")
	asJSON := fs.Bool("json", false, "print JSON, one array")
	if _, err := command.Parse(fs, args); err != nil {
		return err
	}
	d, err := platform.Open("", w.Logger())
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // read only
	list, err := d.Windows(ctx)
	if err != nil {
		return err
	}
	if *asJSON {
		out := make([]windowJSON, 0, len(list))
		for _, x := range list {
			out = append(out, windowJSON{
				ID: x.ID.String(), Title: x.Title, App: x.App, PID: x.PID, X: x.Bounds.Min.X, Y: x.Bounds.Min.Y,
				W: x.Bounds.Dx(), H: x.Bounds.Dy(), Hidden: x.Hidden,
			})
		}
		return wire.NewJSON(w.Stdout).Encode(out)
	}
	for _, x := range list {
		_, err := fmt.Fprintf(w.Stdout, "%-12s %5dx%-5d %7d  %-16s %s\n", x.ID, x.Bounds.Dx(), x.Bounds.Dy(), x.PID, x.App, x.Title)
		if err != nil {
			return err
		}
	}
	return nil
}

// listFlag collects a flag that may be given several times.
type listFlag []string

func (l *listFlag) String() string     { return strings.Join(*l, ", ") }
func (l *listFlag) Set(s string) error { *l = append(*l, s); return nil }

// Run is the command "viewflip share".
func Run(ctx context.Context, w command.World, args []string) error {
	ctx, stop := command.Streaming(ctx, w.Stdout)
	defer stop()
	o, err := parse(w, args)
	if err == nil {
		err = o.share(ctx, w)
	}
	return command.Ended(ctx, err)
}

// options are those of the command line.
type options struct {
	windows listFlag
	rights  wire.Rights
	// uses is how many devices may come by one link.
	uses int
	name string
	// contact is called instead of printing a link; "" for a link.
	contact string
	asJSON  bool
}

func parse(w command.World, args []string) (options, error) {
	var o options
	fs := command.Flags(w, "share")
	fs.Var(&o.windows, "window", "`ID or title` of a window, as \"viewflip windows\" lists it; may be repeated")
	grant := fs.String("grant", "point", "what anyone with the link may do unasked: see, point or control; paste and copy add the clipboard, as in control+paste")
	fs.IntVar(&o.uses, "uses", 1, "how many devices may come by one link; a new link follows when it is used up")
	fs.StringVar(&o.name, "name", "", "how others see you")
	fs.StringVar(&o.contact, "call", "", "call this contact instead of printing a link: name or id, as \"viewflip contacts\" shows it")
	fs.BoolVar(&o.asJSON, "json", false, "print events as JSON, one object a line")
	rest, err := command.Parse(fs, args)
	if err != nil || len(rest) > 0 {
		return o, errors.Join(command.ErrUsage, err)
	}
	if len(o.windows) == 0 {
		_, _ = fmt.Fprintln(w.Stderr, "viewflip: say which window: --window ID or --window TITLE")
		return o, command.ErrUsage
	}
	if o.rights, err = wire.ParseRights(*grant); err != nil {
		_, _ = fmt.Fprintln(w.Stderr, "viewflip: --grant is see, point or control, and may add +paste and +copy")
		return o, command.ErrUsage
	}
	return o, nil
}

// share shares windows until nothing is shared any more or ctx ends.
func (o options) share(ctx context.Context, w command.World) error {
	desk, err := platform.Open("", w.Logger())
	if err != nil {
		return err
	}
	defer desk.Close() //nolint:errcheck // read only
	chosen, err := Choose(ctx, desk, o.windows)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, w, o.name, desk)
	if err != nil {
		return err
	}
	defer a.Close()
	if notice := a.Guard(); notice != "" {
		_, _ = fmt.Fprintln(w.Stderr, notice)
	}
	call, err := a.NewCall(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { call.Leave(); <-call.Done() }()

	events := call.Events(ctx)
	for _, win := range chosen {
		if _, err := call.Share(ctx, win, o.rights); err != nil {
			return err
		}
	}
	s := &sharing{options: o, call: call, out: printer{w: w.Stdout, json: o.asJSON}}
	if o.contact != "" {
		err = callContact(ctx, a, call, o.contact)
	} else {
		err = s.out.link(ctx, call, o.uses)
	}
	if err != nil {
		return err
	}
	return s.run(ctx, w, events)
}

// sharing is the command while it shares.
type sharing struct {
	options
	call *session.Call
	out  printer
	used int // how often a link was used
}

// run tells of events and takes lines from the person until it is over.
func (s *sharing) run(ctx context.Context, w command.World, events <-chan session.Event) error {
	lines := linesOf(ctx, w.Stdin)
	for {
		select {
		case line, ok := <-lines:
			if !ok {
				lines = nil
				continue
			}
			if err := answer(s.call, line); err != nil {
				_, _ = fmt.Fprintf(w.Stderr, "viewflip: %s\n", command.Plain(err))
			}
		case e, ok := <-events:
			if !ok {
				return nil
			}
			if over, err := s.event(ctx, e); err != nil || over {
				return err
			}
		case <-s.call.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// event tells of an event and reports whether nothing is left to do: the contact who
// was called has left, or nothing is shared any more.
func (s *sharing) event(ctx context.Context, e session.Event) (over bool, err error) {
	if err := s.out.event(e); err != nil {
		return false, err
	}
	switch e.Kind {
	case session.EventLinkUsed:
		if s.used++; s.contact == "" && s.used%max(1, s.uses) == 0 {
			return false, s.out.link(ctx, s.call, s.uses)
		}
	case session.EventLeft:
		return s.contact != "" && len(s.call.State().Members) == 0, nil
	case session.EventUnshared:
		return len(s.call.State().Shares) == 0, nil
	default: // told already
	}
	return false, nil
}

// callContact rings at a contact, and returns once they are in the call.
func callContact(ctx context.Context, a *app.App, call *session.Call, which string) error {
	acct, err := a.Holder.Open(ctx)
	if err != nil {
		return err
	}
	if acct == nil {
		return holder.ErrNone
	}
	if err := acct.Refresh(ctx); err != nil {
		return err
	}
	a.Holder.Run(acct)
	var found []client.Contact
	for _, c := range acct.State().Contacts {
		if c.Handle.String() == which || strings.EqualFold(c.Name, which) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return fmt.Errorf("no contact is called %q; \"viewflip contacts\" lists them", which)
	case 1:
		return a.Holder.Ring(ctx, acct, call, found[0])
	}
	return fmt.Errorf("%d contacts are called %q: name one by the id, as \"viewflip contacts\" lists it", len(found), which)
}

// Choose finds windows by id, by exact title, or by a part of the title or
// application that only one window has.
func Choose(ctx context.Context, d *platform.Desktop, wanted []string) ([]platform.Window, error) {
	all, err := d.Windows(ctx)
	if err != nil {
		return nil, err
	}
	var out []platform.Window
	for _, want := range wanted {
		want = wire.CleanTitle(want) // as titles are
		var exact, part []platform.Window
		for _, x := range all {
			switch {
			case x.ID.String() == want || x.Title == want:
				exact = append(exact, x)
			case strings.Contains(strings.ToLower(x.Title+"\n"+x.App), strings.ToLower(want)):
				part = append(part, x)
			}
		}
		if len(exact) == 0 {
			exact = part
		}
		switch len(exact) {
		case 1:
			out = append(out, exact[0])
		case 0:
			return nil, fmt.Errorf("no window is called %q; \"viewflip windows\" lists them", want)
		default:
			return nil, fmt.Errorf("%d windows match %q: name one by its id, as \"viewflip windows\" lists it", len(exact), want)
		}
	}
	return out, nil
}

type printer struct {
	w    io.Writer
	json bool
}

func (p printer) link(ctx context.Context, call *session.Call, uses int) error {
	l, err := call.Invite(ctx, session.InviteOptions{Uses: uses})
	if err != nil {
		return err
	}
	if p.json {
		return wire.NewJSON(p.w).Encode(map[string]any{"event": "link", "at": time.Now(), "link": l.String()})
	}
	_, err = fmt.Fprintf(p.w, "%s\n", l)
	return err
}

func (p printer) event(e session.Event) error {
	if p.json {
		return wire.NewJSON(p.w).Encode(e)
	}
	var err error
	switch e.Kind {
	case session.EventJoined:
		_, err = fmt.Fprintf(p.w, "%s joined\n", e.Name)
	case session.EventLeft:
		if e.Reason != "" {
			_, err = fmt.Fprintf(p.w, "%s left: %s\n", e.Name, e.Reason)
			break
		}
		_, err = fmt.Fprintf(p.w, "%s left\n", e.Name)
	case session.EventAsked:
		_, err = fmt.Fprintf(p.w, "%s asks to %s “%s”; share with --grant control to allow it from the start\n", e.Name, e.Rights, e.Title)
	case session.EventRevoked:
		_, err = fmt.Fprintf(p.w, "%s may no longer %s “%s”: %s\n", e.Name, e.Rights, e.Title, e.Reason)
	case session.EventWatching:
		_, err = fmt.Fprintf(p.w, "%s is watching “%s”\n", e.Name, e.Title)
	case session.EventMasked:
		_, err = fmt.Fprintf(p.w, "a dialog of “%s” is hidden from everybody: it may show files or printers; type \"show %d.%d\" to show it until it closes\n", e.Title, e.Share, e.Surface)
	case session.EventRevealed:
		_, err = fmt.Fprintf(p.w, "a dialog of “%s” is shown until it closes\n", e.Title)
	case session.EventPaused:
		_, err = fmt.Fprintf(p.w, "“%s” is not sent now: %s\n", e.Title, e.Reason)
	case session.EventResumed:
		_, err = fmt.Fprintf(p.w, "“%s” is sent again\n", e.Title)
	case session.EventUnwatch:
		_, err = fmt.Fprintf(p.w, "%s stopped watching\n", e.Name)
	case session.EventUnshared:
		_, err = fmt.Fprintf(p.w, "“%s” is no longer shared: %s\n", e.Title, e.Reason)
	default: // news for programs only
	}
	return err
}
