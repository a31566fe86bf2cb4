package ui

import "fyne.io/fyne/v2"

// logo is two windows, one of them on its way to somebody else.
func logo() fyne.Resource {
	return fyne.NewStaticResource("viewflip.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect x="4" y="8" width="38" height="32" rx="6" fill="#9db1f2"/>
<rect x="20" y="22" width="40" height="34" rx="6" fill="#3157d5"/>
<rect x="25" y="33" width="30" height="18" rx="2.5" fill="#ffffff"/>
<circle cx="27.5" cy="27.6" r="1.9" fill="#ffffff"/><circle cx="33.5" cy="27.6" r="1.9" fill="#ffffff"/>
</svg>`))
}
