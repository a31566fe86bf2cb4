package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// inertFor is how long a request's buttons do nothing after it appeared: a
// click that was meant for what was there before must not grant anything.
const inertFor = 700 * time.Millisecond

// requestCard asks this person whether somebody may do something with a window.
// It never has the focus by itself, so that no key answers it.
type requestCard struct {
	p     *program
	ask   session.Ask
	since time.Time
	// answered is true from a decision until it failed.
	answered bool
	title    *para
	from     *para
	term     *widget.Select
	allow    *widget.Button
	refuse   *widget.Button
	root     *fyne.Container
}

func newRequestCard(p *program, a session.Ask) *requestCard {
	r := &requestCard{p: p, ask: a, since: p.now()}
	r.title = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	r.from = newPara("", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	r.allow = widget.NewButton("Allow", func() { r.answer(true) })
	r.allow.Importance = widget.HighImportance
	r.refuse = widget.NewButton("Refuse", func() { r.answer(false) })
	var names []string
	for _, t := range terms() {
		names = append(names, termWord(t))
	}
	r.term = widget.NewSelect(names, nil)
	r.term.SetSelectedIndex(0)
	r.arm()
	hand := canvas.NewImageFromResource(theme.NewColoredResource(theme.AccountIcon(), theme.ColorNamePrimary))
	r.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, middle(sized(26, 26, hand)),
			middle(row(8, sized(84, 0, r.refuse), sized(132, 0, r.term), sized(84, 0, r.allow))),
			inset(0, 12, middle(column(4, r.title.Container, r.from.Container))))))
	r.update(a)
	return r
}

// arm makes the buttons do nothing for a moment.
func (r *requestCard) arm() {
	since := r.p.now()
	r.since = since
	// Enabled buttons that do nothing would be a riddle.
	r.allow.Disable()
	r.refuse.Disable()
	r.p.after(inertFor, func() {
		if r.since.Equal(since) && !r.answered {
			r.allow.Enable()
			r.refuse.Enable()
		}
	})
}

func (r *requestCard) update(a session.Ask) {
	if a.Rights != r.ask.Rights || a.Name != r.ask.Name {
		r.arm() // it is another question now
	}
	r.ask = a
	r.title.set(nameOf(a.Name) + ", " + a.Standing.String() + ", asks to " + rightsWord(a.Rights) + " “" + titleOf(a.Title, "") + "”")
	from := "Came by link."
	if a.Standing == session.Introduced {
		from = "Introduced by another member."
	}
	if a.Rights&wire.RightControl != 0 {
		from += " Mouse and keyboard would work in this window only; you can take them back at any time."
	}
	r.from.set(from)
}

// answer passes the decision on, but not in the first moment.
func (r *requestCard) answer(yes bool) {
	if r.p.now().Sub(r.since) < inertFor || r.p.call == nil {
		return
	}
	c, a, term := r.p.call, r.ask, terms()[max(r.term.SelectedIndex(), 0)]
	r.answered = true
	r.allow.Disable()
	r.refuse.Disable()
	r.p.act(func() error {
		if !yes {
			c.Refuse(a.Member, a.Share)
			return nil
		}
		return c.AllowFor(a.Member, a.Share, a.Rights, term)
	}, func(err error) {
		if err != nil {
			r.from.tint(theme.ColorNameError)
			r.from.set(sentence(err))
			r.answered = false
			r.allow.Enable()
			r.refuse.Enable()
		}
	})
}
