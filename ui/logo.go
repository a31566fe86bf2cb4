package ui

import (
	_ "embed"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

//go:embed viewflip.svg
var logoSVG []byte

// logo is two windows, one of them on its way to somebody else.
func logo() fyne.Resource { return fyne.NewStaticResource("viewflip.svg", logoSVG) }

// windowIcon stands for a window that has no icon of its own.
func windowIcon() fyne.Resource {
	return theme.NewThemedResource(fyne.NewStaticResource("window.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">
<path fill="#000000" d="M5 3h14a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3zM4 9v9a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1V9z"/>
</svg>`)))
}
