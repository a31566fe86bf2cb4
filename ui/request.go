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

// requestCard asks this person whether somebody may control a window.
type requestCard struct {
	p      *program
	ask    session.Ask
	since  time.Time
	title  *para
	from   *para
	allow  *widget.Button
	refuse *widget.Button
	root   *fyne.Container
}

func newRequestCard(p *program, a session.Ask) *requestCard {
	r := &requestCard{p: p, ask: a, since: p.now()}
	r.title = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	r.from = newPara("", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	r.allow = widget.NewButton("Allow", func() { r.answer(true) })
	r.allow.Importance = widget.HighImportance
	r.refuse = widget.NewButton("Refuse", func() { r.answer(false) })
	// Enabled buttons that do nothing would be a riddle.
	r.allow.Disable()
	r.refuse.Disable()
	p.after(inertFor, func() {
		r.allow.Enable()
		r.refuse.Enable()
	})
	hand := canvas.NewImageFromResource(theme.NewColoredResource(theme.AccountIcon(), theme.ColorNamePrimary))
	r.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, middle(sized(26, 26, hand)),
			middle(row(8, sized(92, 0, r.refuse), sized(92, 0, r.allow))),
			inset(0, 12, middle(column(4, r.title.Container, r.from.Container))))))
	r.update(a)
	return r
}

func (r *requestCard) update(a session.Ask) {
	r.ask = a
	r.title.set(nameOf(a.Name) + " asks to " + rightsWord(a.Rights) + " “" + titleOf(a.Title, "") + "”")
	from := standingOf(a.Standing)
	if a.Rights&wire.RightControl != 0 {
		from += ". Mouse and keyboard would work in this window only; you can take them back at any time."
	}
	r.from.set(from)
}

// answer passes the decision on, but not in the first moment.
func (r *requestCard) answer(yes bool) {
	if r.p.now().Sub(r.since) < inertFor || r.p.call == nil {
		return
	}
	c, a := r.p.call, r.ask
	r.allow.Disable()
	r.refuse.Disable()
	r.p.act(func() error {
		if !yes {
			c.Refuse(a.Member, a.Share)
			return nil
		}
		return c.Allow(a.Member, a.Share, a.Rights|wire.RightSee|wire.RightPoint)
	}, func(err error) {
		if err != nil {
			r.from.tint(theme.ColorNameError)
			r.from.set(sentence(err))
			r.allow.Enable()
			r.refuse.Enable()
		}
	})
}
