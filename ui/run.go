//go:build cgo

package ui

import (
	"context"
	"image"
	"log"
	"log/slog"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver"
	"github.com/go-gl/glfw/v3.4/glfw"

	"viewflip.app/ui/glass"
)

// className groups the program's windows on the desktop; without it every
// title would be a class of its own.
const className = "viewflip"

// Run shows the screens until the person leaves, the call of ViewerOnly ends
// or ctx does, and waits for everything it started. It must be called on the
// main goroutine; a process can call it once. ErrNoScreen and ErrNoDrawing mean
// that no window could be shown.
func Run(ctx context.Context, o Options) error {
	if o.Log != nil { // Fyne reports to log, on stderr
		log.SetFlags(0)
		log.SetOutput(slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug).Writer())
	}
	app.SetMetadata(fyne.AppMetadata{
		Name: "viewflip",
		// All changes go through fyne.Do: Fyne need not check.
		Migrations: map[string]bool{"fyneDo": true},
	})
	// Without an id Fyne keeps no files: the caller keeps the settings.
	if err := probe(); err != nil {
		return err
	}
	a := app.NewWithID("")
	a.SetIcon(logo())
	a.Settings().SetTheme(newLook())
	sh := &glfwShell{app: a}
	p := newProgram(ctx, o, a, sh)
	sh.touch()
	a.Lifecycle().SetOnStarted(func() {
		glfw.WindowHintString(glfw.X11ClassName, className)
		glfw.WindowHintString(glfw.X11InstanceName, className)
		p.start()
	})
	// On a signal the toolkit ends by itself; nothing may be asked of it then.
	a.Lifecycle().SetOnStopped(func() { sh.stopped.Store(true) })
	stop := context.AfterFunc(ctx, func() { p.do(p.quit) })
	pumping := make(chan struct{})
	go func() {
		defer close(pumping)
		sh.pump(p.ctx)
	}()
	a.Run()
	stop()
	// The desktop may have ended the program by itself.
	p.gone = true
	if p.call != nil {
		p.call.Leave()
	}
	p.cancel()
	sh.stopped.Store(true)
	p.wg.Wait()
	<-pumping
	return p.err
}

// probe opens a window that nobody sees: where that cannot be done, Fyne would
// end the process without a word.
func probe() error {
	if err := glfw.Init(); err != nil {
		return ErrNoScreen
	}
	glfw.DefaultWindowHints()
	glfw.WindowHint(glfw.Visible, glfw.False)
	w, err := glfw.CreateWindow(8, 8, className, nil, nil)
	if err != nil {
		glfw.Terminate()
		return ErrNoDrawing
	}
	w.Destroy()
	return nil
}

// glfwShell is Fyne's desktop driver seen from below.
type glfwShell struct {
	app     fyne.App
	stopped atomic.Bool

	// What the pump knows; see there.
	pending atomic.Int32
	waiting atomic.Bool
	prompts atomic.Bool
	touched atomic.Int64
}

func (s *glfwShell) touch() { s.touched.Store(time.Now().UnixNano()) }

func (s *glfwShell) do(f func()) {
	if s.stopped.Load() {
		return
	}
	s.pending.Add(1)
	fyne.Do(func() {
		s.pending.Add(-1)
		s.touch()
		if !s.stopped.Load() {
			f()
		}
	})
	s.wake()
}

func (s *glfwShell) stop() {
	s.stopped.Store(true)
	s.app.Quit()
}

func (s *glfwShell) prompt(on bool) { s.prompts.Store(on) }

func (s *glfwShell) native(w fyne.Window) (uintptr, bool) {
	var handle uintptr
	if n, ok := w.(driver.NativeWindow); ok {
		n.RunNative(func(c any) {
			if x, ok := c.(driver.X11WindowContext); ok {
				handle = x.WindowHandle
			}
		})
	}
	return handle, handle != 0
}

// glfwWindow digs GLFW's window out of Fyne's; nil if Fyne has changed.
func glfwWindow(w fyne.Window) (g *glfw.Window) {
	if c, ok := w.(interface{ RunWithContext(func()) }); ok {
		c.RunWithContext(func() { g = glfw.GetCurrentContext() })
	}
	return g
}

func (s *glfwShell) attention(w fyne.Window) {
	g := glfwWindow(w)
	if g == nil {
		return
	}
	if g.GetAttrib(glfw.Iconified) == glfw.True {
		g.Restore()
	}
	g.RequestAttention()
	if h, ok := s.native(w); ok {
		glass.NewNative().Raise(h)
	}
}

func (s *glfwShell) room(w fyne.Window) fyne.Size {
	m := glfw.GetPrimaryMonitor()
	if m == nil {
		return fyne.Size{}
	}
	_, _, width, height := m.GetWorkarea()
	scale := w.Canvas().Scale()
	if scale <= 0 || width <= 0 || height <= 0 {
		return fyne.Size{}
	}
	const frame = 32 // a title bar and borders
	return fyne.NewSize(float32(width-frame/4)/scale, float32(height-frame)/scale)
}

func (s *glfwShell) size(w fyne.Window) (image.Point, bool) {
	g := glfwWindow(w)
	if g == nil {
		return image.Point{}, false
	}
	x, y := g.GetFramebufferSize() // it asks the server
	return image.Pt(x, y), true
}

func (s *glfwShell) least(w fyne.Window, size fyne.Size) bool {
	g := glfwWindow(w)
	if g == nil {
		return false
	}
	x, y := w.Canvas().PixelCoordinateForPosition(fyne.NewPos(size.Width, size.Height))
	g.SetSizeLimits(x, y, glfw.DontCare, glfw.DontCare) // a hint in X11: the size stays
	return true
}

// fills reports whether a window fills the screen.
func fills(g *glfw.Window) bool {
	return g.GetAttrib(glfw.Maximized) == glfw.True || g.GetMonitor() != nil
}

func (s *glfwShell) resize(w fyne.Window, size image.Point) bool {
	g := glfwWindow(w)
	if g == nil {
		return false
	}
	if !fills(g) {
		g.SetSize(size.X, size.Y)
	}
	return true
}

func (s *glfwShell) reshape(w fyne.Window, size, by image.Point) bool {
	g := glfwWindow(w)
	m := glfw.GetPrimaryMonitor()
	if g == nil || m == nil || fills(g) {
		return g != nil
	}
	x, y := g.GetPos()
	left, top, right, bottom := g.GetFrameSize()
	wx, wy, ww, wh := m.GetWorkarea()
	// What sticks out already may stay so.
	at := image.Pt(fitIn(x+by.X, size.X, min(x, wx+left), wx+ww-right), fitIn(y+by.Y, size.Y, min(y, wy+top), wy+wh-bottom))
	g.SetSize(size.X, size.Y)
	g.SetPos(at.X, at.Y) // also in place: openbox sometimes moves what it resizes
	return true
}

// fitIn moves a length that begins at a between low and high, low first.
func fitIn(a, length, low, high int) int { return max(min(a, high-length), low) }
