package ui

import (
	"time"

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
	case s.TooLarge:
		state += " · too large to be sent"
	case s.Crowded:
		state += " · too large to be shown beside the others"
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
	words   *widget.Button
	rights  *rows[wire.ShareID, *rightsRow]
	root    *fyne.Container
}

func newPersonRow(p *program, m session.Member) *personRow {
	r := &personRow{
		p: p, member: m, name: strong(""), state: caption(""),
		rights: newRows[wire.ShareID, *rightsRow](6),
	}
	var face, mark *fyne.Container
	r.initial, face = newFace(colorTint)
	r.mark, mark = dot(theme.ColorNameSuccess)
	r.words = widget.NewButton("Compare words", func() { p.compare(r.member) })
	more := newMenuButton(p, func() []*fyne.MenuItem {
		var items []*fyne.MenuItem
		if _, ok := p.contactOf(r.member); ok && r.member.Link == session.Connected {
			items = append(items, fyne.NewMenuItem("Compare words", func() { p.compare(r.member) }))
		}
		return append(items, fyne.NewMenuItem("Remove from call", func() {
			if c, id := p.call, r.member.ID; c != nil {
				p.act(func() error { c.Remove(id); return nil }, nil)
			}
		}))
	})
	status := container.New(&beside{gap: 6}, mark, r.state)
	r.root = inset(5, 0, column(6,
		container.NewBorder(nil, nil, middle(face), middle(more),
			inset(0, 10, middle(column(3, r.name, status)))),
		r.words, r.rights.box))
	r.words.Hide()
	return r
}

func (r *personRow) update(m session.Member, shares []session.Share) {
	r.member = m
	r.name.set(nameOf(m.Name))
	r.initial.set(initialOf(m.Name))
	c, known := r.p.contactOf(m)
	if known && c.Verified {
		m.Standing = session.Compared // since the call began
	}
	r.state.set(personSentence(m))
	visible(r.words, known && !c.Verified && m.Link == session.Connected)
	importance := widget.MediumImportance
	if m.Phrase != (session.Phrase{}) { // the other side began it
		importance = widget.HighImportance
	}
	if r.words.Importance != importance {
		r.words.Importance = importance
		r.words.Refresh()
	}
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
