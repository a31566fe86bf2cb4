package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// logo is two windows, one of them on its way to somebody else.
func logo() fyne.Resource {
	return fyne.NewStaticResource("viewflip.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect x="4" y="8" width="38" height="32" rx="6" fill="#9db1f2"/>
<rect x="20" y="22" width="40" height="34" rx="6" fill="#3157d5"/>
<rect x="25" y="33" width="30" height="18" rx="2.5" fill="#ffffff"/>
<circle cx="27.5" cy="27.6" r="1.9" fill="#ffffff"/><circle cx="33.5" cy="27.6" r="1.9" fill="#ffffff"/>
</svg>`))
}

// windowIcon stands for a window that has no icon of its own.
func windowIcon() fyne.Resource {
	return theme.NewThemedResource(fyne.NewStaticResource("window.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24">
<path fill="#000000" d="M5 3h14a3 3 0 0 1 3 3v12a3 3 0 0 1-3 3H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3zM4 9v9a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1V9z"/>
</svg>`)))
}
