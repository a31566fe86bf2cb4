package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// requestCard asks this person whether somebody may do something with a window.
// It never has the focus by itself, so that no key answers it.
type requestCard struct {
	inert
	ask    session.Ask
	title  *para
	from   *para
	term   *widget.Select
	allow  *widget.Button
	refuse *widget.Button
	root   *fyne.Container
}

func newRequestCard(p *program, a session.Ask) *requestCard {
	r := &requestCard{ask: a}
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
	r.inert = inert{p: p, buttons: []*widget.Button{r.allow, r.refuse}}
	r.arm()
	hand := canvas.NewImageFromResource(theme.NewColoredResource(theme.AccountIcon(), theme.ColorNamePrimary))
	r.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, middle(sized(26, 26, hand)),
			middle(row(8, sized(84, 0, r.refuse), sized(132, 0, r.term), sized(84, 0, r.allow))),
			inset(0, 12, middle(column(4, r.title.Container, r.from.Container))))))
	r.update(a)
	return r
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
	if !r.ready() {
		return
	}
	c, a, term := r.p.call, r.ask, terms()[max(r.term.SelectedIndex(), 0)]
	r.decided(true)
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
			r.decided(false)
		}
	})
}
