package ui

import (
	"context"
	"image"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/platform"
	"viewflip.app/wire"
)

// searchFrom is how many windows it takes to offer a search field.
const searchFrom = 9

// picker shows the windows of this desktop and lets people choose.
type picker struct {
	p      *program
	tiles  map[platform.WindowID]*tile
	order  []platform.WindowID
	listed bool
	err    error
	// shared are left out: they are offered already.
	shared map[platform.WindowID]bool

	search  *widget.Entry
	find    *fyne.Container
	grid    *fyne.Container
	empty   *fyne.Container
	words   *line
	hint    *para
	count   *line
	grant   *widget.Select
	share   *widget.Button
	problem *para
	back    *widget.Button
	busy    bool
	root    *fyne.Container
}

// What guests may do, in the order of the choice.
const (
	grantPoint   = "look, point, and ask for control"
	grantControl = "look and control at once"
)

func newPicker(p *program, shared func(), back func()) *picker {
	k := &picker{p: p, tiles: map[platform.WindowID]*tile{}, shared: map[platform.WindowID]bool{}}
	k.search = widget.NewEntry()
	k.search.SetPlaceHolder("Search windows")
	k.search.OnChanged = func(string) { k.arrange() }
	k.find = inset(0, 0, k.search)
	k.grid = container.New(&tiles{width: tileWidth, height: tileHeight, gap: 14})
	k.words = heading("").centred()
	k.hint = quiet("").centred()
	k.empty = container.NewCenter(sized(500, 0, column(6, k.words, k.hint.Container)))

	k.count = caption("")
	k.grant = widget.NewSelect([]string{grantPoint, grantControl}, nil)
	k.grant.SetSelectedIndex(0)
	k.share = widget.NewButtonWithIcon("Share", theme.NewColoredResource(theme.MailForwardIcon(), theme.ColorNameForegroundOnPrimary), func() { k.start(shared) })
	k.share.Importance = widget.HighImportance
	k.problem = newPara("", theme.ColorNameError, theme.SizeNameText)
	k.problem.Hide()
	k.back = widget.NewButton("Back", back)
	k.back.Hide()

	left := row(10, middle(caption("Guests may").whole()), sized(232, 0, k.grant))
	right := row(12, middle(sized(220, 0, rightAligned(k.count))), k.back, sized(112, 0, k.share))
	bar := container.NewStack(newPanel(colorSurface, "", 0), column(0, widget.NewSeparator(),
		inset(12, 20, column(10, k.problem.Container, container.NewBorder(nil, nil, left, right)))))
	scroll := container.NewVScroll(inset(16, 20, column(14, k.find, k.grid)))
	k.root = container.NewBorder(nil, bar, nil, nil, container.NewStack(scroll, k.empty))
	k.arrange()
	return k
}

func rightAligned(l *line) *line { l.align = fyne.TextAlignTrailing; return l }

// follow keeps the list current until ctx ends.
func (k *picker) follow(ctx context.Context) {
	d := k.p.o.Desktop
	if d == nil {
		return
	}
	changes := d.Watch(ctx)
	for {
		wins, err := d.Windows(ctx)
		if ctx.Err() != nil {
			return
		}
		k.p.do(func() { k.list(wins, err) })
		if _, ok := <-changes; !ok {
			return
		}
	}
}

// list shows these windows. A selection outlives changes of the list.
func (k *picker) list(wins []platform.Window, err error) {
	k.listed, k.err = true, err
	now := map[platform.WindowID]bool{}
	fresh := make([]platform.WindowID, 0, len(wins))
	for _, w := range wins {
		now[w.ID] = true
		fresh = append(fresh, w.ID)
		if t := k.tiles[w.ID]; t != nil {
			t.set(w)
		} else {
			k.tiles[w.ID] = newTile(w, k.refresh)
		}
	}
	for id := range k.tiles {
		if !now[id] {
			delete(k.tiles, id)
		}
	}
	k.order = steady(k.order, fresh)
	k.arrange()
}

// steady keeps the places of windows that stay: tiles must not move under the
// pointer because another window came to the top. New ones follow at the end.
func steady(old, fresh []platform.WindowID) []platform.WindowID {
	in := map[platform.WindowID]bool{}
	for _, id := range fresh {
		in[id] = true
	}
	out := make([]platform.WindowID, 0, len(fresh))
	for _, id := range old {
		if in[id] {
			out = append(out, id)
			delete(in, id)
		}
	}
	for _, id := range fresh {
		if in[id] {
			out = append(out, id)
		}
	}
	return out
}

// offered are the windows that can be chosen, in order.
func (k *picker) offered() []*tile {
	var out []*tile
	for _, id := range k.order {
		if t := k.tiles[id]; t != nil && !k.shared[id] {
			out = append(out, t)
		}
	}
	return out
}

// arrange puts the tiles that match the search into the grid.
func (k *picker) arrange() {
	offered := k.offered()
	if len(offered) >= searchFrom || k.search.Text != "" {
		k.find.Show()
	} else {
		k.find.Hide()
	}
	var shown []fyne.CanvasObject
	for _, t := range offered {
		if matches(t.win, k.search.Text) {
			shown = append(shown, t)
		}
	}
	if !same(k.grid.Objects, shown) {
		k.grid.Objects = shown
		k.grid.Refresh()
	}
	k.explain(len(offered), len(shown))
	k.refresh()
	k.p.home.thumbsChanged()
}

func same(a, b []fyne.CanvasObject) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// matches reports whether a window is what the search means.
func matches(w platform.Window, search string) bool {
	text := strings.ToLower(w.Title + " " + w.App)
	for _, word := range strings.Fields(strings.ToLower(search)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// explain says why there is nothing to choose.
func (k *picker) explain(offered, shown int) {
	if shown > 0 {
		k.empty.Hide()
		return
	}
	words, hint := "No window is open", "Open the window that you want to share. It appears here by itself."
	switch {
	case k.p.o.Desktop == nil:
		words, hint = "Windows cannot be listed here", "You can still join a call and see what others share."
	case !k.listed:
		words, hint = "Looking for windows…", ""
	case k.err != nil:
		words, hint = "Windows cannot be listed here", sentence(k.err)
	case offered > 0:
		words, hint = "No window matches", "Try another word of its title or of its application."
	case len(k.shared) > 0:
		words, hint = "Everything is shared already", "Open another window. It appears here by itself."
	}
	k.words.set(words)
	k.hint.set(hint)
	k.empty.Show()
}

// chosen are the selected windows in order.
func (k *picker) chosen() []platform.Window {
	var out []platform.Window
	for _, t := range k.offered() {
		if t.selected {
			out = append(out, t.win)
		}
	}
	return out
}

// refresh makes the bar fit the selection.
func (k *picker) refresh() {
	n := len(k.chosen())
	switch {
	case k.busy:
		k.count.set("Starting…")
	case n == 0:
		k.count.set("Choose one or more windows")
	default:
		k.count.set(windows(n) + " chosen")
	}
	if n == 0 || k.busy {
		k.share.Disable()
	} else {
		k.share.Enable()
	}
}

// rights is what guests get unasked.
func (k *picker) rights() wire.Rights {
	r := wire.RightSee | wire.RightPoint
	if k.grant.Selected == grantControl {
		r |= wire.RightControl
	}
	return r
}

func (k *picker) start(shared func()) {
	wins := k.chosen()
	if len(wins) == 0 || k.busy {
		return
	}
	k.busy = true
	k.problem.Hide()
	k.refresh()
	k.p.share(wins, k.rights(), func(err error) {
		k.busy = false
		if err != nil {
			k.problem.tint(theme.ColorNameError)
			k.problem.set(sentence(err))
			k.problem.Show()
			k.refresh()
			return
		}
		k.clear()
		shared()
	})
}

// clear forgets selection and search.
func (k *picker) clear() {
	for _, t := range k.tiles {
		t.pick(false)
	}
	k.search.SetText("")
	k.refresh()
}

// setShared leaves windows out that are shared already.
func (k *picker) setShared(ids map[platform.WindowID]bool) {
	if len(ids) == len(k.shared) {
		equal := true
		for id := range ids {
			equal = equal && k.shared[id]
		}
		if equal {
			return
		}
	}
	k.shared = ids
	k.arrange()
}

// picture shows a thumbnail.
func (k *picker) picture(id platform.WindowID, img *image.RGBA) {
	if t := k.tiles[id]; t != nil {
		t.thumb.set(img)
	}
}

// visible are the windows whose thumbnails can be seen.
func (k *picker) visible() map[platform.WindowID]bool {
	out := map[platform.WindowID]bool{}
	for _, o := range k.grid.Objects {
		if t, ok := o.(*tile); ok {
			out[t.win.ID] = true
		}
	}
	return out
}
