package ui

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

// refusalFor is how long the reason for a refusal stays: long enough to look at
// the bar and to read six words there.
const refusalFor = 4 * time.Second

// refusal says in the bar of a viewer why something did not happen: in the
// middle, or, where that is too narrow for the words, over the whole bar, in two
// lines if need be.
type refusal struct {
	text string
	chip *fyne.Container // in the middle
	word *line
	// whole is what takes the place of all else in the bar, usual is all else.
	whole *fyne.Container
	lines [2]*line
	usual *fyne.Container
	// sides are what stands left and right of the middle.
	sides []fyne.CanvasObject
	// spare are parts of the sides that a narrow bar can do without, in the order
	// in which they go.
	spare []*fyne.Container
}

func newRefusal() *refusal {
	r := &refusal{word: caption("")}
	both := column(0)
	for i := range r.lines {
		r.lines[i] = caption("").centred()
		r.lines[i].tint(theme.ColorNameError)
		both.Add(r.lines[i])
	}
	r.word.tint(theme.ColorNameError)
	r.chip = container.NewStack(newPanel(theme.ColorNameButton, "", 9), inset(3, 10, r.word))
	r.whole = container.NewStack(newPanel(theme.ColorNameButton, "", 0), inset(0, 8, middle(both)))
	r.chip.Hide()
	r.whole.Hide()
	return r
}

// bar puts the refusal over a bar, which has sides beside its middle.
func (r *refusal) bar(usual *fyne.Container, sides []fyne.CanvasObject, spare ...*fyne.Container) *fyne.Container {
	r.usual, r.sides, r.spare = usual, sides, spare
	return container.NewStack(usual, r.whole)
}

// middleGap is what the layouts of a bar leave free beside the words in its
// middle, both sides together.
const middleGap = sideGap + 20 + 20

// sideGap is the same where nothing stands in the middle.
const sideGap = 24 + 16

// fit shows the words where a bar of a width has room for them.
func (r *refusal) fit(width float32) {
	size := theme.SizeForWidget(theme.SizeNameCaptionText, r.word)
	measure := func(s string) float32 { return fyne.MeasureText(s, size, fyne.TextStyle{}).Width }
	room := r.room(width)
	wide := r.chip.Visible() && measure(r.text) > room
	first, second := halve(r.text, width-16, measure)
	r.lines[0].set(first)
	r.lines[1].set(second)
	visible(r.lines[1], second != "")
	visible(r.whole, wide)
	visible(r.usual, !wide)
}

// room is what the sides leave for the middle, once a narrow bar has lost what
// it can do without.
func (r *refusal) room(width float32) float32 {
	left := func(gap float32) float32 {
		gap = width - gap
		for _, s := range r.sides {
			gap -= s.MinSize().Width
		}
		return gap
	}
	was := make([]bool, len(r.spare))
	for i, s := range r.spare {
		was[i], s.Hidden = s.Hidden, false
	}
	n := 0
	for ; n < len(r.spare) && left(sideGap) < 0; n++ { // what overlaps cannot be read
		r.spare[n].Hidden = true
	}
	for i, s := range r.spare {
		s.Hidden = was[i]
		visible(s, i >= n)
	}
	return left(middleGap)
}

// halve breaks a text into two lines where it does not fit into one.
func halve(s string, width float32, measure func(string) float32) (first, second string) {
	if measure(s) <= width {
		return s, ""
	}
	words := strings.Fields(s)
	n := 1
	for n < len(words) && measure(strings.Join(words[:n+1], " ")) <= width {
		n++
	}
	return strings.Join(words[:min(n, len(words))], " "), strings.Join(words[min(n, len(words)):], " ")
}

// say shows a few words for a while.
func (v *viewer) say(words string, at time.Time) {
	v.refused = at
	v.refusal.text = words
	v.refusal.word.set(words)
	v.refusal.chip.Show()
	v.refusal.fit(v.win.Canvas().Size().Width)
	v.p.after(refusalFor, func() {
		if v.refused.Equal(at) && !v.closed {
			v.refusal.chip.Hide()
			v.refusal.fit(v.win.Canvas().Size().Width)
		}
	})
}
