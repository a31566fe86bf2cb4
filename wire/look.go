package wire

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// SameLook reports whether two cleaned names can be taken for each other on a
// screen: they differ at most in case, in spaces, in forms of a letter
// (fullwidth, ligatures, styles), or by letters that are drawn like others. It
// is what UTS #39 calls confusable, for the letters by which names are faked,
// and where it is wrong it says yes.
func SameLook(a, b string) bool { return a == b || skeleton(a) == skeleton(b) }

// skeleton is what is left of a name when only its look counts. It is for
// comparing, not for showing.
func skeleton(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Zs, r) || unseen(r) {
			return -1
		}
		return alike(r)
	}, norm.NFKD.String(s))
	return strings.NewReplacer("rn", "m", "vv", "w").Replace(strings.ToLower(s))
}

// alike is the small Latin letter that a letter of the Greek, Cyrillic or
// Armenian alphabet, a digit or a sign is drawn like, and other characters as
// they are. Small and capital letters are apart, because a letter can be drawn
// like another as a capital alone.
func alike(r rune) rune {
	switch r {
	case 'а', 'А', 'α', 'Α', 'ɑ':
		return 'a'
	case 'В', 'Β':
		return 'b'
	case 'с', 'С', 'ϲ', 'Ϲ':
		return 'c'
	case 'ԁ':
		return 'd'
	case 'е', 'Е', 'Ε':
		return 'e'
	case 'ɡ', 'ց':
		return 'g'
	case 'һ', 'հ', 'Н', 'Η':
		return 'h'
	case 'і', 'ι', 'ı':
		return 'i'
	case 'ј', 'Ј', 'ϳ':
		return 'j'
	case 'К', 'Κ':
		return 'k'
	case 'I', 'І', 'Ι', 'Ӏ', 'ӏ', '1', '|', 'ǀ':
		return 'l'
	case 'М', 'Μ':
		return 'm'
	case 'ո', 'Ν':
		return 'n'
	case 'о', 'О', 'ο', 'Ο', 'օ', 'Օ', '0', 'ס':
		return 'o'
	case 'р', 'Р', 'ρ', 'Ρ':
		return 'p'
	case 'ԛ', 'գ':
		return 'q'
	case 'ѕ', 'Ѕ', 'Տ':
		return 's'
	case 'Т', 'Τ':
		return 't'
	case 'υ', 'ս', 'Ս':
		return 'u'
	case 'ν', 'ѵ':
		return 'v'
	case 'ԝ', 'Ԝ':
		return 'w'
	case 'х', 'Х', 'Χ', 'χ':
		return 'x'
	case 'у', 'У', 'Υ', 'Ү', 'ү', 'γ':
		return 'y'
	case 'Ζ':
		return 'z'
	}
	return r
}
