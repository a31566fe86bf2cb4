package ui

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// holdFor is how long the button is held that lets a device into the account.
const holdFor = 2 * time.Second

// holdButton acts once it was held down.
type holdButton struct {
	widget.BaseWidget
	p      *program
	label  *line
	back   *panel
	fill   *panel
	done   float32 // 0 to 1
	held   bool
	stamp  int
	moving *fyne.Animation
	act    func()
}

func newHoldButton(p *program, label string, act func()) *holdButton {
	b := &holdButton{p: p, label: strong(label).whole().centred(), act: act}
	b.back, b.fill = newPanel(theme.ColorNameButton, "", 7), newPanel(theme.ColorNamePrimary, "", 7)
	b.fill.Hide()
	b.ExtendBaseWidget(b)
	return b
}

// MouseDown implements desktop.Mouseable.
func (b *holdButton) MouseDown(e *desktop.MouseEvent) {
	if e.Button != desktop.MouseButtonPrimary {
		return
	}
	b.held = true
	b.stamp++
	stamp := b.stamp
	b.moving = fyne.NewAnimation(holdFor, func(f float32) {
		if b.held && b.stamp == stamp {
			b.progress(f)
		}
	})
	b.moving.Curve = fyne.AnimationLinear
	b.moving.Start()
	b.p.after(holdFor, func() {
		if b.held && b.stamp == stamp {
			b.release()
			b.act()
		}
	})
}

// MouseUp implements desktop.Mouseable.
func (b *holdButton) MouseUp(*desktop.MouseEvent) { b.release() }

// MouseIn, MouseMoved and MouseOut implement desktop.Hoverable: a pointer that
// leaves lets go.
func (b *holdButton) MouseIn(*desktop.MouseEvent) {}

// MouseMoved implements desktop.Hoverable.
func (b *holdButton) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (b *holdButton) MouseOut() { b.release() }

func (b *holdButton) release() {
	b.held = false
	if b.moving != nil {
		b.moving.Stop()
		b.moving = nil
	}
	b.progress(0)
}

func (b *holdButton) progress(f float32) {
	b.done = f
	visible(b.fill, f > 0)
	b.label.tint(theme.ColorNameForeground)
	if f > 0.5 {
		b.label.tint(theme.ColorNameForegroundOnPrimary)
	}
	b.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (b *holdButton) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(container.NewStack(b.back, container.New(partLayout{b}, b.fill), inset(9, 18, b.label)))
}

// partLayout shows how far a button is.
type partLayout struct{ b *holdButton }

// Layout implements fyne.Layout.
func (l partLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Move(fyne.NewPos(0, 0))
	o[0].Resize(fyne.NewSize(s.Width*l.b.done, s.Height))
}

// MinSize implements fyne.Layout.
func (partLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// addDevice takes the code of a new device and lets it in.
type addDevice struct {
	p       *program
	code    *widget.Entry
	next    *widget.Button
	typed   *fyne.Container
	hint    *para
	joiner  Joiner
	hold    *holdButton
	confirm *fyne.Container
	busy    bool
	stamp   int
	root    *fyne.Container
}

func newAddDevice(p *program) *addDevice {
	a := &addDevice{p: p, hint: quiet("")}
	a.code = widget.NewEntry()
	a.code.SetPlaceHolder("Twelve digits")
	a.code.OnChanged = func(string) { a.able() }
	a.code.OnSubmitted = func(string) { a.meet() }
	a.next = widget.NewButton("Add a device", a.meet)
	a.typed = container.NewBorder(nil, nil, nil, row(0, sized(8, 0, newPanel("", "", 0)), sized(116, 0, a.next)), a.code)
	a.hold = newHoldButton(p, "Hold to add", a.admit)
	no := widget.NewButton("Refuse", func() {
		if j := a.joiner; j != nil {
			a.reset()
			p.reach(j.Refuse, func(error) {})
		}
	})
	a.confirm = row(8, no, sized(160, 0, a.hold))
	a.root = column(8, a.hint.Container, a.typed, a.confirm)
	a.reset()
	return a
}

// reset begins anew.
func (a *addDevice) reset() {
	a.joiner, a.busy = nil, false
	a.stamp++
	a.code.SetText("")
	a.say("On the new device choose “Add this device” and type here what it shows.", theme.ColorNamePlaceHolder)
	a.show()
}

func (a *addDevice) say(text string, color fyne.ThemeColorName) {
	a.hint.tint(color)
	a.hint.set(text)
}

func (a *addDevice) show() {
	visible(a.typed, a.joiner == nil)
	visible(a.confirm, a.joiner != nil)
	a.able()
	if a.p.account != nil && a.p.account.body != nil {
		a.p.account.body.Refresh()
	}
}

func (a *addDevice) able() {
	if a.busy || strings.TrimSpace(a.code.Text) == "" {
		a.next.Disable()
		return
	}
	a.next.Enable()
}

// meet finds the device that shows the code.
func (a *addDevice) meet() {
	if a.next.Disabled() {
		return
	}
	a.busy = true
	a.stamp++
	stamp, code := a.stamp, a.code.Text
	a.able()
	a.say("Looking for the device…", theme.ColorNamePlaceHolder)
	var j Joiner
	a.p.reach(func(ctx context.Context) (err error) {
		j, err = a.p.o.People.Link(ctx, code)
		return err
	}, func(err error) {
		if a.stamp != stamp {
			return
		}
		a.busy = false
		if err != nil {
			a.say(sentence(err), theme.ColorNameError)
			a.show()
			return
		}
		a.joiner = j
		a.say("“"+nameOf(j.Label())+"” ("+j.Platform()+") will be able to call, and to be called, as you, and to add and remove devices. Add it only if it is in front of you.", theme.ColorNameWarning)
		a.show()
	})
}

// admit lets the device in that is shown.
func (a *addDevice) admit() {
	j := a.joiner
	if j == nil || a.busy {
		return
	}
	a.busy = true
	stamp := a.stamp
	a.p.reach(j.Confirm, func(err error) {
		if a.stamp != stamp {
			return
		}
		a.reset()
		if err != nil {
			a.say(sentence(err), theme.ColorNameError)
		} else {
			a.say("“"+nameOf(j.Label())+"” belongs to your account now.", theme.ColorNameSuccess)
		}
		a.show()
	})
}
