package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// maskedKey names a masked dialog.
type maskedKey struct {
	share   wire.ShareID
	surface wire.SurfaceID
}

// maskedCard asks this person whether viewers may see and use a dialog that
// reaches beyond the shared window.
type maskedCard struct {
	inert
	m     session.MaskedDialog
	title *para
	note  *para
	show  *widget.Button
	keep  *widget.Button
	root  *fyne.Container
}

func newMaskedCard(p *program, m session.MaskedDialog) *maskedCard {
	c := &maskedCard{}
	c.title = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	c.note = newPara("", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	c.show = widget.NewButton("Show once", func() { c.answer(true) })
	c.keep = widget.NewButton("Keep hidden", func() { c.answer(false) })
	c.inert = inert{p: p, buttons: []*widget.Button{c.show, c.keep}}
	c.arm()
	eye := canvas.NewImageFromResource(theme.NewColoredResource(theme.VisibilityOffIcon(), theme.ColorNamePrimary))
	c.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, middle(sized(26, 26, eye)),
			middle(row(8, sized(112, 0, c.keep), sized(104, 0, c.show))),
			inset(0, 12, middle(column(4, c.title.Container, c.note.Container))))))
	c.update(m)
	return c
}

func (c *maskedCard) update(m session.MaskedDialog) {
	c.m = m
	names := make([]string, len(m.Viewers))
	for i, n := range m.Viewers {
		names[i] = nameOf(n)
	}
	c.title.set("A dialog of “" + titleOf(m.Title, "") + "” is hidden from " + strings.Join(names, ", "))
	c.note.set("It may show your files or printers. Shown once, it can be seen until it closes, and used by whoever controls the window.")
}

// answer passes the decision on, but not in the first moment.
func (c *maskedCard) answer(show bool) {
	if !c.ready() {
		return
	}
	call, m := c.p.call, c.m
	c.decided(true)
	c.p.act(func() error {
		if show {
			return call.Reveal(m.Share, m.Surface)
		}
		return call.KeepMasked(m.Share, m.Surface)
	}, nil)
}
