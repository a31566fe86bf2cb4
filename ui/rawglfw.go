//go:build cgo

package ui

import (
	"fyne.io/fyne/v2"
	"github.com/go-gl/glfw/v3.4/glfw"

	"viewflip.app/ui/glass"
	"viewflip.app/wire"
)

// attach puts our callbacks before Fyne's: those lose buttons, releases
// outside the window and the raw wheel.
func (s *glfwShell) attach(w fyne.Window, in rawInput) func() {
	g := glfwWindow(w)
	if g == nil {
		return func() {}
	}
	r := &rawWindow{in: in, native: glass.NewNative(), on: true}
	r.pointer(g)
	r.keyboard(g)
	in.rawFocus(g.GetAttrib(glfw.Focused) == glfw.True)
	return func() { r.on = false }
}

// rawWindow hands on what one window of GLFW gets; GLFW's goroutine.
type rawWindow struct {
	in     rawInput
	native glass.Native
	// on says that somebody wants it; Fyne gets all of it in any case.
	on bool
	// moved says that the pointer's place is known from events.
	moved bool
}

// pixels are GLFW's units as pixels: they differ on macOS alone.
func pixels(g *glfw.Window, x, y float64) (float64, float64) {
	w1, h1 := g.GetSize()
	w2, h2 := g.GetFramebufferSize()
	if w1 == 0 || h1 == 0 {
		return x, y
	}
	return x * float64(w2) / float64(w1), y * float64(h2) / float64(h1)
}

// pointer takes over the pointer's callbacks.
func (r *rawWindow) pointer(g *glfw.Window) {
	// Where the pointer was in the order of events. GetCursorPos tells where it
	// is now: a press followed by a quick move would land in the wrong place.
	var move glfw.CursorPosCallback
	move = g.SetCursorPosCallback(func(g *glfw.Window, x, y float64) {
		r.moved = true
		if r.on {
			r.in.rawMove(pixels(g, x, y))
		}
		if move != nil {
			move(g, x, y)
		}
	})
	// When the window moves under it, the pointer is elsewhere in it, and
	// nothing tells.
	var pos glfw.PosCallback
	pos = g.SetPosCallback(func(g *glfw.Window, x, y int) {
		r.moved = false
		if pos != nil {
			pos(g, x, y)
		}
	})
	var enter glfw.CursorEnterCallback
	enter = g.SetCursorEnterCallback(func(g *glfw.Window, inside bool) {
		// It also "leaves" into our own child window, and when somebody grabs it.
		if r.on && !inside && g.GetAttrib(glfw.Hovered) != glfw.True {
			r.in.rawLeave()
		}
		if enter != nil {
			enter(g, inside)
		}
	})
	var button glfw.MouseButtonCallback
	button = g.SetMouseButtonCallback(func(g *glfw.Window, b glfw.MouseButton, a glfw.Action, m glfw.ModifierKey) {
		if r.on {
			if !r.moved {
				x, y := g.GetCursorPos()
				r.in.rawMove(pixels(g, x, y))
			}
			r.in.rawButton(buttonOf(b), a == glfw.Press, modsOf(m))
		}
		if button != nil {
			button(g, b, a, m&^locks)
		}
	})
	var scroll glfw.ScrollCallback
	scroll = g.SetScrollCallback(func(g *glfw.Window, x, y float64) {
		if r.on {
			r.in.rawWheel(-x, -y, 0) // GLFW: +y away from the person, +x left
		}
		if scroll != nil {
			scroll(g, x, y)
		}
	})
}

// keyboard takes over the keyboard's callbacks, and the focus.
func (r *rawWindow) keyboard(g *glfw.Window) {
	var key glfw.KeyCallback
	key = g.SetKeyCallback(func(g *glfw.Window, k glfw.Key, code int, a glfw.Action, m glfw.ModifierKey) {
		if r.on && r.in.rawKey(pressOf(r.native, code, a, m)) {
			return
		}
		if key != nil {
			key(g, k, code, a, m&^locks)
		}
	})
	g.SetInputMode(glfw.LockKeyMods, glfw.True)
	var char glfw.CharCallback
	char = g.SetCharCallback(func(g *glfw.Window, c rune) {
		if r.on && r.in.rawChar(c) {
			return
		}
		if char != nil {
			char(g, c)
		}
	})
	var focus glfw.FocusCallback
	focus = g.SetFocusCallback(func(g *glfw.Window, f bool) {
		if r.on {
			r.in.rawFocus(f)
		}
		if focus != nil {
			focus(g, f)
		}
	})
}

// locks are modifiers that GLFW tells only because we ask, and Fyne does not know.
const locks = glfw.ModCapsLock | glfw.ModNumLock

// pressOf is what a key callback of GLFW tells.
func pressOf(native glass.Native, code int, a glfw.Action, m glfw.ModifierKey) rawPress {
	p := rawPress{
		key: native.Key(code), down: a != glfw.Release, repeat: a == glfw.Repeat, mods: modsOf(m), numLock: m&glfw.ModNumLock != 0,
	}
	if p.down && p.mods&chordMods != 0 && p.key.Types() {
		for _, r := range glfw.GetKeyName(glfw.KeyUnknown, code) {
			p.name = r
			break
		}
	}
	return p
}

// buttonOf maps GLFW's order to X11's numbers; 0 for others.
func buttonOf(b glfw.MouseButton) wire.Button {
	switch b {
	case glfw.MouseButtonLeft:
		return wire.Left
	case glfw.MouseButtonRight:
		return wire.Right
	case glfw.MouseButtonMiddle:
		return wire.Middle
	case glfw.MouseButton4:
		return wire.Back
	case glfw.MouseButton5:
		return wire.Forward
	default:
		return 0
	}
}

func modsOf(m glfw.ModifierKey) (out wire.Mods) {
	for _, p := range []struct {
		g glfw.ModifierKey
		w wire.Mods
	}{
		{glfw.ModShift, wire.ModShift}, {glfw.ModControl, wire.ModCtrl},
		{glfw.ModAlt, wire.ModAlt}, {glfw.ModSuper, wire.ModSuper},
	} {
		if m&p.g != 0 {
			out |= p.w
		}
	}
	return out
}
