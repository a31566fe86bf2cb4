package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// look is viewflip's theme: quiet greys and one accent.
type look struct{ fyne.Theme }

func newLook() fyne.Theme { return look{theme.DefaultTheme()} }

// Colours of our own beside Fyne's names.
const (
	colorSurface  fyne.ThemeColorName = "viewflipSurface"  // cards and bars
	colorBackdrop fyne.ThemeColorName = "viewflipBackdrop" // around a shared picture; capture paints it too
	colorStage    fyne.ThemeColorName = "viewflipStage"    // behind pictures
	colorTint     fyne.ThemeColorName = "viewflipTint"     // selected things
)

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA { c.A = a; return c }

// Color implements fyne.Theme.
func (l look) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	if c, ok := palette(n, v == theme.VariantDark); ok {
		return c
	}
	return l.Theme.Color(n, v)
}

// palette gives a name's colour, for a dark or a light desktop.
func palette(n fyne.ThemeColorName, dark bool) (color.NRGBA, bool) {
	pick := func(light, night uint32) (color.NRGBA, bool) {
		if dark {
			return rgb(night), true
		}
		return rgb(light), true
	}
	accent := rgb(0x3157d5)
	if dark {
		accent = rgb(0x8aa4ff)
	}
	switch n {
	case theme.ColorNameBackground:
		return pick(0xf4f5f7, 0x15171b)
	case colorSurface, theme.ColorNameOverlayBackground, theme.ColorNameMenuBackground:
		return pick(0xffffff, 0x1e2126)
	case colorStage:
		return pick(0xe6e8ec, 0x0d0e11)
	case colorBackdrop:
		return rgb(0x14171c), true
	case colorTint:
		return pick(0xe8edfc, 0x252d45)
	case theme.ColorNameForeground:
		return pick(0x1b1e24, 0xe7e9ee)
	case theme.ColorNamePlaceHolder:
		return pick(0x646b78, 0x98a0ae)
	case theme.ColorNameDisabled:
		return pick(0xa3a9b4, 0x626977)
	case theme.ColorNameSeparator, theme.ColorNameInputBorder:
		return pick(0xd9dce2, 0x343840)
	case theme.ColorNameButton, theme.ColorNameDisabledButton:
		return pick(0xe9ebef, 0x2b2f36)
	case theme.ColorNameInputBackground:
		return pick(0xffffff, 0x191c20)
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		return accent, true
	case theme.ColorNameForegroundOnPrimary:
		return pick(0xffffff, 0x10131c)
	case theme.ColorNameFocus:
		return alpha(accent, 0x40), true
	case theme.ColorNameSelection:
		return alpha(accent, 0x38), true
	case theme.ColorNameSuccess:
		return pick(0x1f8a4c, 0x57c786)
	case theme.ColorNameWarning:
		return pick(0xa86100, 0xf0b354)
	case theme.ColorNameError:
		return pick(0xc22f38, 0xff7b80)
	case theme.ColorNameForegroundOnError:
		return pick(0xffffff, 0x1c1012)
	}
	return color.NRGBA{}, false
}

// Size implements fyne.Theme.
func (l look) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameText:
		return 14
	case theme.SizeNameCaptionText:
		return 12
	case theme.SizeNameSubHeadingText:
		return 17
	case theme.SizeNameHeadingText:
		return 21
	case theme.SizeNameInlineIcon:
		return 18
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius:
		return 7
	case theme.SizeNameSelectionRadius:
		return 6
	}
	return l.Theme.Size(n)
}
