package ui

import (
	"context"
	"fmt"
	"sync"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

const (
	// stripHeight is that of the stages under the bar.
	stripHeight = 110
	// The sharer is asked for their part of the meter when a picture was shown, at
	// most so often: without pictures nothing is sent.
	meterOpen   = 600 * time.Millisecond
	meterClosed = 5 * time.Second
)

// meter is the chip in a viewer's bar that tells how old the picture is, and
// the strip of stages that it opens. Its fields belong to the main goroutine,
// but for those under mu.
type meter struct {
	v     *viewer
	chip  *hintButton
	strip *fyne.Container
	cells []*line // by stage
	exact bool

	mu    sync.Mutex
	open  bool
	asked time.Time
	was   bool // exact, as play saw it last
}

func newMeter(v *viewer) *meter {
	m := &meter{v: v}
	m.chip = newHintButton(nil, m.toggle, func(on bool) {
		v.tip.set("")
		if on {
			v.tip.set(m.hint())
		}
	})
	m.chip.Importance = widget.LowImportance
	m.chip.Text = "– ms"
	grid := container.NewGridWithColumns(4)
	for _, s := range session.Stages() {
		value := newLine("–")
		value.size = theme.SizeNameCaptionText
		m.cells = append(m.cells, value)
		grid.Add(column(1, caption(stageWord(s)), value))
	}
	m.strip = container.NewStack(newPanel(colorSurface, "", 0), container.NewBorder(nil, widget.NewSeparator(), nil, nil,
		inset(7, 12, column(5, caption("Milliseconds from their screen to yours: p50 / p95"), grid))))
	m.strip.Hide()
	return m
}

// stageWord names a stage for people.
func stageWord(s session.Stage) string {
	return map[session.Stage]string{
		session.StageCapture: "Read", session.StageWait: "Wait", session.StageEncode: "Compress",
		session.StageNetwork: "Network", session.StageArrive: "Arrive", session.StageDecode: "Decode",
		session.StagePresent: "Show", session.StageInput: "Your key or click",
	}[s]
}

// hint says what the chip means.
func (m *meter) hint() string {
	if m.exact {
		return "Exact to the pixel · time from their screen to yours"
	}
	return "Time from their screen to yours"
}

// height is that of the strip while it is shown.
func (m *meter) height() float32 {
	if m.strip.Visible() {
		return stripHeight
	}
	return 0
}

// toggle shows or hides the stages. What is shown pixel for pixel stays so.
func (m *meter) toggle() {
	v := m.v
	exact := v.stage.fit(v.hand.w, v.hand.h).Exact()
	on := !m.strip.Visible()
	visible(m.strip, on)
	m.mu.Lock()
	m.open = on
	m.mu.Unlock()
	if exact && !v.win.FullScreen() {
		v.resize(v.sizeFor(v.hand.w, v.hand.h))
	}
	v.head.Refresh()
	v.arrange()
	m.ask(v.view)
	m.show(v.view)
}

// ask asks the sharer for their part, if it is time; any goroutine.
func (m *meter) ask(view View) {
	m.mu.Lock()
	every := meterClosed
	if m.open {
		every = meterOpen
	}
	now := time.Now()
	due := now.Sub(m.asked) >= every
	if due {
		m.asked = now
	}
	m.mu.Unlock()
	if due {
		view.Measure()
	}
}

// pictured notes that a picture was shown; any goroutine.
func (m *meter) pictured(view View) {
	m.ask(view)
	exact := view.Exact()
	m.mu.Lock()
	changed := exact != m.was
	m.was = exact
	m.mu.Unlock()
	if changed {
		m.v.p.do(func() { m.show(view) })
	}
}

// follow shows the answers.
func (m *meter) follow(ctx context.Context, view View) {
	for measured := view.Measured(ctx); ; {
		select {
		case <-measured:
			m.v.p.do(func() { m.show(view) })
		case <-ctx.Done():
			return
		}
	}
}

// show brings chip and strip up to date.
func (m *meter) show(view View) {
	if m.v.closed || m.v.view != view {
		return
	}
	l := view.Latency()
	text := "– ms"
	if l.Known() {
		text = roughly(l.Sum().P50)
	}
	exact := view.Exact()
	if m.chip.Text != text || m.exact != exact {
		m.chip.Text, m.exact, m.chip.Icon = text, exact, nil
		if exact {
			m.chip.Icon = theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameSuccess)
		}
		m.chip.Refresh()
	}
	if !m.strip.Visible() {
		return
	}
	for i, c := range m.cells {
		c.set(spreadWord(l[i]))
	}
}

// roughly is a time in whole milliseconds.
func roughly(d time.Duration) string {
	if d < time.Millisecond {
		return "< 1 ms"
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

func spreadWord(s wire.Spread) string {
	if s == (wire.Spread{}) {
		return "–"
	}
	ms := func(d time.Duration) string {
		v := float64(d) / float64(time.Millisecond)
		if v < 10 {
			return fmt.Sprintf("%.2f", v)
		}
		return fmt.Sprintf("%.0f", v)
	}
	return ms(s.P50) + " / " + ms(s.P95)
}
