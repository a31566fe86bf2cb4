package ui

import (
	"time"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

const (
	// copiedFor is how long a button says that it has copied.
	copiedFor = 2 * time.Second
	// inviteTimeout bounds the making of a link.
	inviteTimeout = 15 * time.Second
)

// shareRow is one window that we share.
type shareRow struct {
	p     *program
	share session.Share
	thumb *thumbView
	title *line
	state *line
	root  *fyne.Container
}

func newShareRow(p *program, s session.Share) *shareRow {
	r := &shareRow{p: p, share: s, thumb: newThumbView(), title: strong(""), state: caption("")}
	stop := widget.NewButton("Stop", func() {
		if c, id := p.call, r.share.ID; c != nil {
			p.act(func() error { c.StopShare(id); return nil }, nil)
		}
	})
	stage := sized(104, 66, container.NewStack(newPanel(colorStage, "", 6), inset(3, 3, r.thumb)))
	r.root = inset(6, 0, container.NewBorder(nil, nil, stage, middle(sized(72, 0, stop)),
		inset(0, 10, middle(column(3, r.title, r.state)))))
	return r
}

func (r *shareRow) update(s session.Share) {
	r.share = s
	r.title.set(titleOf(s.Title, s.App))
	r.state.set(shareSentence(s))
}

// remoteRow is one window that is shared with us.
type remoteRow struct {
	p      *program
	remote session.RemoteShare
	title  *line
	state  *line
	open   *widget.Button
	root   *fyne.Container
}

func newRemoteRow(p *program, s session.RemoteShare) *remoteRow {
	r := &remoteRow{p: p, remote: s, title: strong(""), state: caption("")}
	r.open = widget.NewButton("Open", func() {
		if p.call != nil {
			p.open(r.remote)
			p.home.update(p.state)
		}
	})
	icon := widget.NewIcon(windowIcon())
	r.root = inset(6, 0, container.NewBorder(nil, nil, middle(sized(28, 28, icon)), middle(sized(72, 0, r.open)),
		inset(0, 10, middle(column(3, r.title, r.state)))))
	return r
}

func (r *remoteRow) update(s session.RemoteShare, open bool) {
	r.remote = s
	r.title.set(titleOf(s.Title, s.App))
	state := "From " + nameOf(s.MemberName)
	switch {
	case s.Interrupted:
		state += " · connection interrupted"
	case s.Hidden:
		state += " · minimised there"
	case !open:
		state += " · closed here"
	}
	r.state.set(state)
	if open {
		r.open.SetText("Show")
	} else {
		r.open.SetText("Open")
	}
}

// personRow is one other person in the call.
type personRow struct {
	p       *program
	member  session.Member
	initial *line
	name    *line
	state   *line
	mark    *panel
	rights  *rows[wire.ShareID, *rightsRow]
	root    *fyne.Container
}

func newPersonRow(p *program, m session.Member) *personRow {
	r := &personRow{
		p: p, member: m, initial: strong("").whole().centred(), name: strong(""), state: caption(""),
		rights: newRows[wire.ShareID, *rightsRow](6),
	}
	r.initial.tint(theme.ColorNamePrimary)
	var mark *fyne.Container
	r.mark, mark = dot(theme.ColorNameSuccess)
	face := sized(34, 34, container.NewStack(newPanel(colorTint, "", 17), container.NewCenter(r.initial)))
	var more *widget.Button
	more = widget.NewButtonWithIcon("", theme.MoreVerticalIcon(), func() {
		remove := fyne.NewMenuItem("Remove from call", func() {
			if c, id := p.call, r.member.ID; c != nil {
				p.act(func() error { c.Remove(id); return nil }, nil)
			}
		})
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(more)
		widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", remove), p.home.win.Canvas(), at.Add(fyne.NewPos(0, more.Size().Height)))
	})
	more.Importance = widget.LowImportance
	status := container.New(&beside{gap: 6}, mark, r.state)
	r.root = inset(5, 0, column(6,
		container.NewBorder(nil, nil, middle(face), middle(more),
			inset(0, 10, middle(column(3, r.name, status)))),
		r.rights.box))
	return r
}

func (r *personRow) update(m session.Member, shares []session.Share) {
	r.member = m
	r.name.set(nameOf(m.Name))
	first, _ := utf8.DecodeRuneInString(nameOf(m.Name))
	r.initial.set(string(unicode.ToUpper(first)))
	r.state.set(personSentence(m))
	switch m.Link {
	case session.Connected:
		r.mark.set(theme.ColorNameSuccess, "", 0)
	case session.Interrupted:
		r.mark.set(theme.ColorNameWarning, "", 0)
	default:
		r.mark.set(theme.ColorNameDisabled, "", 0)
	}
	r.rights.begin()
	for _, s := range shares {
		for _, v := range s.Viewers {
			if v.Member == m.ID {
				r.rights.put(s.ID, func() (*rightsRow, fyne.CanvasObject) {
					x := newRightsRow(r.p, m.ID, s.ID)
					return x, x.root
				}).update(s, v)
			}
		}
	}
	r.rights.end()
	visible(r.rights.box, r.rights.len() > 0)
}
