package ui

import (
	"context"
	"errors"
	"image"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// screen is what the home window shows.
type screen uint8

const (
	screenShare  screen = iota // choose windows, begin a call
	screenJoin                 // enter somebody's call
	screenCall                 // the call
	screenAdd                  // choose more windows for the call
	screenPeople               // contacts, also during a call
)

// screenFor is the screen that follows from the call's existence and from
// what the person last asked for.
func screenFor(inCall bool, wanted screen) screen {
	switch {
	case inCall && wanted != screenAdd && wanted != screenPeople:
		return screenCall
	case !inCall && (wanted == screenCall || wanted == screenAdd):
		return screenShare
	}
	return wanted
}

const (
	homeWidth, homeHeight = 980, 700
	maxName               = 48
)

// home is the window "viewflip".
type home struct {
	p      *program
	win    fyne.Window
	wanted screen
	shown  screen

	tabs   *segments
	status *line
	name   *widget.Entry
	notice *line
	picker *picker
	join   *joinPane
	call   *callPane
	people *peoplePane
	// rings are contacts who call, calling is who is called.
	rings   *rows[wire.InviteID, *ringCard]
	calling *callingCard
	top     *fyne.Container
	thumbs  *thumbs
	body    *fyne.Container
	ready   bool
	open    bool
}

func newHome(p *program) *home {
	h := &home{p: p}
	p.home = h
	h.win = p.app.NewWindow("viewflip")
	h.win.SetPadded(false)
	h.win.SetCloseIntercept(h.close)
	h.thumbs = newThumbs(p, h.picture)

	tabs := []string{"Share a window", "Join a call"}
	if p.o.People != nil {
		tabs = append(tabs, "People")
	}
	h.tabs = newSegments(tabs, func(i int) {
		h.visit([]screen{screenShare, screenJoin, screenPeople}[i])
	})
	h.status = newLine("").centred()
	h.name = widget.NewEntry()
	h.name.SetPlaceHolder("Your name")
	h.name.SetText(p.o.Name())
	h.name.OnChanged = func(s string) {
		if r := []rune(s); len(r) > maxName {
			h.name.SetText(string(r[:maxName]))
			return
		}
		p.o.SetName(strings.TrimSpace(s))
		h.join.question.render()
	}
	h.picker = newPicker(p, func() { h.visit(screenCall) }, func() { h.visit(screenCall) })
	h.join = newJoinPane(p)
	h.call = newCallPane(p)
	h.people = newPeoplePane(p)
	h.rings = newRows[wire.InviteID, *ringCard](10)
	h.calling = newCallingCard(p)
	h.top = container.New(layout.NewCustomPaddedLayout(16, 0, 20, 20), column(10, h.rings.box, h.calling.root))
	h.notice = caption(p.o.Notice).centred()

	mark := canvas.NewImageFromResource(logo())
	mark.FillMode = canvas.ImageFillContain
	brand := row(10, sized(28, 28, mark), middle(heading("viewflip").whole()))
	header := container.NewStack(newPanel(colorSurface, "", 0), column(0,
		inset(10, 20, container.New(header3{}, middle(brand), container.NewStack(middle(h.tabs), middle(h.status)), middle(sized(180, 0, h.name)))),
		widget.NewSeparator()))
	body := container.NewStack(h.picker.root, h.join.root, h.call.root, h.people.root)
	h.body = container.NewBorder(h.top, nil, nil, nil, body)
	content := container.NewBorder(header, nil, nil, nil, h.body)
	if p.o.Notice != "" {
		foot := container.NewStack(newPanel(colorSurface, "", 0), container.New(layout.NewCustomPaddedLayout(0, 8, 20, 20), h.notice))
		content = container.NewBorder(header, foot, nil, nil, h.body)
	}
	whole := newGiven(p, h.win, true, nil, content)
	h.win.SetContent(whole)
	h.win.Resize(fyne.NewSize(homeWidth, homeHeight).Max(leastOf(whole)))
	h.ready = true
	h.announce()
	h.render()
	p.spawn(h.picker.follow)
	return h
}

// header3 puts one object left, one in the middle of the window and one right.
type header3 struct{}

func (header3) Layout(o []fyne.CanvasObject, s fyne.Size) {
	l, r := o[0].MinSize().Width, o[2].MinSize().Width
	side := max(l, r) + 12
	o[0].Resize(fyne.NewSize(l, s.Height))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(max(s.Width-2*side, 0), s.Height))
	o[1].Move(fyne.NewPos(side, 0))
	o[2].Resize(fyne.NewSize(r, s.Height))
	o[2].Move(fyne.NewPos(s.Width-r, 0))
}

func (header3) MinSize(o []fyne.CanvasObject) fyne.Size {
	var h float32
	for _, x := range o {
		h = max(h, x.MinSize().Height)
	}
	side := max(o[0].MinSize().Width, o[2].MinSize().Width) + 12
	return fyne.NewSize(2*side+o[1].MinSize().Width, h)
}

// show brings the window up.
func (h *home) show() {
	h.open = true
	h.win.Show()
	h.thumbsChanged()
}

// visit asks for a screen.
func (h *home) visit(s screen) {
	h.wanted = s
	h.render()
}

// render shows the screen that is due.
func (h *home) render() {
	h.shown = screenFor(h.p.call != nil, h.wanted)
	show := func(o fyne.CanvasObject, on bool) {
		if on {
			o.Show()
		} else {
			o.Hide()
		}
	}
	show(h.picker.root, h.shown == screenShare || h.shown == screenAdd)
	show(h.join.root, h.shown == screenJoin)
	show(h.call.root, h.shown == screenCall)
	show(h.people.root, h.shown == screenPeople)
	show(h.people.back, h.p.call != nil)
	show(h.people.signup.away, h.p.call != nil)
	show(h.tabs, h.p.call == nil)
	show(h.status, h.p.call != nil)
	show(h.picker.back, h.shown == screenAdd)
	switch h.shown {
	case screenJoin:
		h.tabs.pick(1)
	case screenPeople:
		h.tabs.pick(2)
	default:
		h.tabs.pick(0)
	}
	switch h.shown {
	case screenAdd:
		h.status.set("Add a window to the call")
	case screenPeople:
		h.status.set("Bring somebody into the call")
	default:
		h.status.set(callSentence(h.p.state))
	}
	h.thumbsChanged()
}

// announce gives the cards above the screens the room that they need.
func (h *home) announce() {
	visible(h.rings.box, h.rings.len() > 0)
	visible(h.top, h.rings.len() > 0 || h.calling.root.Visible())
	h.body.Refresh()
}

// update shows a new state of the call.
func (h *home) update(st session.State) {
	shared := map[platform.WindowID]bool{}
	for _, s := range st.Shares {
		shared[s.Window] = true
	}
	h.picker.setShared(shared)
	h.call.update(st)
	h.people.update(h.p.people)
	h.render()
}

// leftCall goes back to the beginning.
func (h *home) leftCall() {
	h.wanted = screenShare
	h.picker.setShared(map[platform.WindowID]bool{})
	h.call.reset()
	h.people.update(h.p.people)
	h.render()
}

// linkUsed tells that the link on screen let somebody in.
func (h *home) linkUsed() { h.call.linkUsed() }

// say shows a sentence about something that happened.
func (h *home) say(text string, bad bool) {
	h.picker.problem.set(text)
	h.picker.problem.tint(theme.ColorNamePlaceHolder)
	if bad {
		h.picker.problem.tint(theme.ColorNameError)
	}
	h.picker.problem.Show()
	h.picker.root.Refresh()
}

// openLink takes a link from outside. Whoever said "join" joins; anything else,
// such as a page on the web, can hand a link over, and is asked about.
func (h *home) openLink(link string) {
	h.visit(screenJoin)
	if h.p.o.ViewerOnly {
		h.join.open(link)
	} else {
		h.join.ask(link)
	}
}

// thumbsChanged follows the windows whose pictures can be seen now.
func (h *home) thumbsChanged() {
	if !h.ready {
		return
	}
	ids := map[platform.WindowID]bool{}
	if h.open {
		switch h.shown {
		case screenShare, screenAdd:
			ids = h.picker.visible()
		case screenCall:
			ids = h.call.visible()
		case screenJoin, screenPeople:
		}
	}
	h.thumbs.slow.Store(h.shown == screenCall)
	h.thumbs.want(ids)
	for id := range ids {
		if img := h.thumbs.last[id]; img != nil {
			h.picture(id, img)
		}
	}
}

func (h *home) picture(id platform.WindowID, img *image.RGBA) {
	switch h.shown {
	case screenShare, screenAdd:
		h.picker.picture(id, img)
	case screenCall:
		h.call.picture(id, img)
	case screenJoin, screenPeople:
	}
}

// close ends the program; with others in the call it asks first.
func (h *home) close() {
	others := len(h.p.state.Members)
	if h.p.call == nil || others == 0 {
		h.p.quit()
		return
	}
	text := "You leave the call with " + people(others) + "."
	if n := len(h.p.state.Shares); n > 0 {
		text += " Sharing of " + windows(n) + " stops."
	}
	d := dialog.NewConfirm("Leave the call?", text, func(yes bool) {
		if yes {
			h.p.quit()
		}
	}, h.win)
	d.SetConfirmText("Leave")
	d.SetDismissText("Stay")
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}

// joinPane is where a link is pasted.
type joinPane struct {
	p       *program
	link    *widget.Entry
	verdict *para
	button  *widget.Button
	cancel  context.CancelFunc
	form    *fyne.Container
	// question is about a link from outside.
	question *linkQuestion
	root     *fyne.Container
}

func newJoinPane(p *program) *joinPane {
	j := &joinPane{p: p}
	j.link = widget.NewEntry()
	j.link.SetPlaceHolder("viewflip://…")
	j.link.OnChanged = func(string) { j.judge() }
	j.link.OnSubmitted = func(string) { j.press() }
	paste := widget.NewButtonWithIcon("Paste", theme.ContentPasteIcon(), func() {
		j.link.SetText(strings.TrimSpace(p.app.Clipboard().Content()))
	})
	j.verdict = quiet("")
	j.button = widget.NewButton("Join", j.press)
	j.button.Importance = widget.HighImportance
	hint := quiet("Paste the link that you were given. Every window that is shared there opens as a window of its own.")
	j.form = column(14,
		heading("Join a call"),
		hint.Container,
		container.NewBorder(nil, nil, nil, row(0, sized(6, 0, newPanel("", "", 0)), paste), j.link),
		j.verdict.Container,
		container.NewBorder(nil, nil, nil, sized(112, 0, j.button)),
	)
	j.question = newLinkQuestion(p, j)
	j.root = container.New(upperLayout{}, narrow(560, card(inset(8, 8, container.NewStack(j.form, j.question.root)))))
	j.judge()
	return j
}

// upperLayout puts an object into the upper half.
type upperLayout struct{}

func (upperLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	for _, x := range o {
		h := min(x.MinSize().Height, s.Height)
		x.Resize(fyne.NewSize(max(s.Width-40, 0), h))
		x.Move(fyne.NewPos(20, max((s.Height-h)*0.3, 0)))
	}
}

func (upperLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return o[0].MinSize().Add(fyne.NewSize(40, 0))
}

// judge says at once whether the link can be one.
func (j *joinPane) judge() {
	if j.cancel != nil {
		return
	}
	_, wrong := linkSentence(j.link.Text)
	switch {
	case strings.TrimSpace(j.link.Text) == "":
		j.tell("The link begins with viewflip:// and works once for each device.", theme.ColorNamePlaceHolder)
	case wrong != "":
		j.tell(wrong, theme.ColorNameError)
	default:
		j.tell("The link is complete.", theme.ColorNameSuccess)
		j.button.Enable()
		return
	}
	j.button.Disable()
}

func (j *joinPane) tell(text string, c fyne.ThemeColorName) {
	j.verdict.tint(c)
	j.verdict.set(text)
	j.root.Refresh()
}

// open fills in a link and joins.
func (j *joinPane) open(link string) {
	j.link.SetText(strings.TrimSpace(link))
	j.press()
}

// press joins, or gives up joining.
func (j *joinPane) press() {
	if j.cancel != nil {
		j.cancel()
		return
	}
	l, wrong := linkSentence(j.link.Text)
	if wrong != "" || strings.TrimSpace(j.link.Text) == "" {
		return
	}
	j.link.Disable()
	j.button.SetText("Cancel")
	j.button.Importance = widget.MediumImportance
	j.button.Refresh()
	j.tell("Connecting…", theme.ColorNamePlaceHolder)
	j.cancel = j.p.join(l, func(err error) {
		j.cancel = nil
		j.link.Enable()
		j.button.SetText("Join")
		j.button.Importance = widget.HighImportance
		j.button.Refresh()
		switch {
		case err == nil:
			j.link.SetText("")
			j.p.home.visit(screenCall)
		case errors.Is(err, context.Canceled):
			j.judge()
		default:
			j.tell(sentence(err), theme.ColorNameError)
		}
	})
}

// segments is a choice between screens.
type segments struct {
	widget.BaseWidget
	labels  []string
	chosen  int
	on      func(int)
	buttons []*segment
	box     *fyne.Container
}

func newSegments(labels []string, on func(int)) *segments {
	s := &segments{labels: labels, on: on}
	s.box = row(4)
	for i, l := range labels {
		b := newSegment(l, func() { s.pick(i); s.on(i) })
		s.buttons = append(s.buttons, b)
		s.box.Add(b)
	}
	s.ExtendBaseWidget(s)
	s.chosen = -1
	s.pick(0)
	return s
}

func (s *segments) pick(i int) {
	if s.chosen == i {
		return
	}
	s.chosen = i
	for k, b := range s.buttons {
		b.choose(k == i)
	}
}

// CreateRenderer implements fyne.Widget.
func (s *segments) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewCenter(container.NewStack(
		newPanel(theme.ColorNameButton, "", 9), inset(3, 3, s.box))))
}

// segment is one of several choices.
type segment struct {
	widget.BaseWidget
	label *line
	back  *panel
	tap   func()
}

func newSegment(label string, tap func()) *segment {
	s := &segment{label: newLine(label).whole().centred(), back: newPanel("", "", 7), tap: tap}
	s.ExtendBaseWidget(s)
	return s
}

func (s *segment) choose(on bool) {
	if on {
		s.back.set(colorSurface, theme.ColorNameSeparator, 1)
		s.label.tint(theme.ColorNameForeground)
	} else {
		s.back.set("", "", 0)
		s.label.tint(theme.ColorNamePlaceHolder)
	}
}

// Tapped implements fyne.Tappable.
func (s *segment) Tapped(*fyne.PointEvent) { s.tap() }

// CreateRenderer implements fyne.Widget.
func (s *segment) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(s.back, inset(6, 18, s.label)))
}
