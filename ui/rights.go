package ui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// countEvery is how often "12 min left" is counted anew.
const countEvery = 15 * time.Second

// terms lists the terms that a person may choose, as buttons and menus show
// them.
func terms() []wire.Term { return []wire.Term{wire.UntilStopped, wire.Timed, wire.Once} }

func termWord(t wire.Term) string {
	s := t.String()
	return strings.ToUpper(s[:1]) + s[1:]
}

// leftWord says how long a right still lasts; "" for until stopped.
func leftWord(e session.End, now time.Time) string {
	switch e.Term {
	case wire.Timed:
		left := e.At.Sub(now)
		if left < time.Minute {
			return "less than a minute left"
		}
		return fmt.Sprintf("%d min left", int(math.Ceil(left.Minutes())))
	case wire.Once:
		return "once"
	default:
		return ""
	}
}

// mayWords say what somebody may do with a window of ours, and how long: the
// window itself, and what may pass through the clipboard.
func mayWords(r wire.Rights, ends session.Ends, now time.Time) (window, clipboard string) {
	say := func(bit wire.Rights, word string) string {
		if left := leftWord(ends[bit], now); left != "" {
			word += " · " + left
		}
		return word
	}
	switch {
	case r&wire.RightControl != 0:
		window = say(wire.RightControl, "Controls")
	case r&wire.RightPoint != 0:
		window = say(wire.RightPoint, "Sees and points")
	case r&wire.RightSee != 0:
		window = say(wire.RightSee, "Sees")
	default:
		window = "Sees nothing of it"
	}
	switch r & (wire.RightPaste | wire.RightCopy) {
	case wire.RightPaste:
		clipboard = say(wire.RightPaste, "Pastes")
	case wire.RightCopy:
		clipboard = say(wire.RightCopy, "Copies")
	case wire.RightPaste | wire.RightCopy:
		clipboard = say(wire.RightPaste, "Pastes") + ", " + say(wire.RightCopy, "copies")
	default: // nothing passes
	}
	return window, clipboard
}

// rightsRow is what one person may do with one window of ours.
type rightsRow struct {
	p      *program
	member session.MemberID
	share  wire.ShareID
	viewer session.Viewer
	title  *line
	state  *line
	clip   *line
	back   *widget.Button
	more   *widget.Button
	root   *fyne.Container
}

func newRightsRow(p *program, m session.MemberID, s wire.ShareID) *rightsRow {
	r := &rightsRow{p: p, member: m, share: s, title: newLine(""), state: caption(""), clip: caption("")}
	r.back = widget.NewButton("Take back", func() {
		r.act(func(c Call) error { c.TakeBack(m, s); return nil })
	})
	r.back.Importance = widget.WarningImportance
	r.more = widget.NewButtonWithIcon("", theme.MenuDropDownIcon(), func() {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(r.more)
		widget.ShowPopUpMenuAtPosition(r.menu(), p.home.win.Canvas(), at.Add(fyne.NewPos(0, r.more.Size().Height)))
	})
	r.more.Importance = widget.LowImportance
	r.root = container.NewBorder(nil, nil, nil, middle(row(2, r.back, r.more)), middle(column(2, r.title, r.state, r.clip)))
	return r
}

// act runs a command and says what went wrong.
func (r *rightsRow) act(f func(c Call) error) {
	c := r.p.call
	if c == nil {
		return
	}
	r.p.act(func() error { return f(c) }, func(err error) {
		if err != nil {
			r.state.tint(theme.ColorNameError)
			r.state.set(sentence(err))
		}
	})
}

// menu lists the rights with the choice of their ends; what is so is checked.
func (r *rightsRow) menu() *fyne.Menu {
	m, s, v := r.member, r.share, r.viewer
	level := func(label string, on bool, keep wire.Rights) *fyne.MenuItem {
		i := fyne.NewMenuItem(label, func() {
			r.act(func(c Call) error {
				c.Withdraw(m, s, ^keep)
				return c.AllowFor(m, s, keep, wire.UntilStopped)
			})
		})
		i.Checked = on
		return i
	}
	right := func(label string, bit wire.Rights) *fyne.MenuItem {
		i := fyne.NewMenuItem(label, nil)
		i.Checked = v.Rights&bit != 0
		var items []*fyne.MenuItem
		for _, t := range terms() {
			x := fyne.NewMenuItem(termWord(t), func() {
				r.act(func(c Call) error { return c.AllowFor(m, s, bit, t) })
			})
			x.Checked = i.Checked && v.Ends[bit].Term == t
			items = append(items, x)
		}
		no := fyne.NewMenuItem("Not allowed", func() {
			r.act(func(c Call) error { c.Withdraw(m, s, bit); return nil })
		})
		no.Checked = !i.Checked
		i.ChildMenu = fyne.NewMenu("", append(items, fyne.NewMenuItemSeparator(), no)...)
		return i
	}
	quiet := v.Rights&^wire.RightsQuiet == 0
	return fyne.NewMenu("",
		level("See only", quiet && v.Rights&wire.RightPoint == 0, wire.RightSee),
		level("See and point", quiet && v.Rights&wire.RightPoint != 0, wire.RightsQuiet),
		fyne.NewMenuItemSeparator(),
		right("Control", wire.RightControl),
		right("Paste into it", wire.RightPaste),
		right("Copy out of it", wire.RightCopy),
	)
}

func (r *rightsRow) update(s session.Share, v session.Viewer) {
	r.viewer = v
	r.title.set(titleOf(s.Title, s.App))
	control := v.Rights&wire.RightControl != 0
	r.state.tint(theme.ColorNamePlaceHolder)
	if control {
		r.state.tint(theme.ColorNameWarning)
	}
	window, clipboard := mayWords(v.Rights, v.Ends, r.p.now())
	r.state.set(window)
	r.clip.set(clipboard)
	visible(r.clip, clipboard != "")
	visible(r.back, control)
}

// counts reports whether some right in a state ends at a time, so that the
// words about it change without an event.
func counts(st session.State) bool {
	timed := func(e session.Ends) bool {
		for _, end := range e {
			if end.Term == wire.Timed {
				return true
			}
		}
		return false
	}
	for _, r := range st.Remote {
		if timed(r.Ends) {
			return true
		}
	}
	for _, s := range st.Shares {
		for _, v := range s.Viewers {
			if timed(v.Ends) {
				return true
			}
		}
	}
	return false
}

// count shows the state again after a while, as long as something runs out.
func (p *program) count(c Call, st session.State) {
	if p.counting || !counts(st) {
		return
	}
	p.counting = true
	p.after(countEvery, func() {
		p.counting = false
		if p.call == c {
			p.update(c, c.State())
		}
	})
}
