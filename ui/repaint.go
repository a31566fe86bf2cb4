//go:build cgo

package ui

import (
	"unsafe"

	"fyne.io/fyne/v2"
)

//go:linkname repaintWindow fyne.io/fyne/v2/internal/driver/glfw.(*gLDriver).repaintWindow
func repaintWindow(d, w unsafe.Pointer) bool

// dataOf is the data word of an interface value.
func dataOf[T any](i *T) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(i))[1]
}

// repaint draws a window now: Fyne would wait for its next tick, up to 17 ms.
func (s *glfwShell) repaint(w fyne.Window) {
	c, ok := w.(interface{ RunWithContext(func()) })
	if !ok {
		return
	}
	d := fyne.CurrentApp().Driver()
	c.RunWithContext(func() { repaintWindow(dataOf(&d), dataOf(&w)) })
	if c, ok := w.Canvas().(interface{ CheckDirtyAndClear() bool }); ok {
		c.CheckDirtyAndClear()
	}
}
