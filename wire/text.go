package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// CleanName makes a person's name safe to show: valid UTF-8 in NFC, one line,
// nothing that cannot be seen or changes the direction of writing, at most
// MaxName bytes. A name in which nothing would be seen becomes "".
func CleanName(s string) string {
	if s = clean(s, MaxName); blank(s) {
		return ""
	}
	return s
}

// CleanTitle does the same for a window's title, at most MaxTitle bytes.
func CleanTitle(s string) string { return clean(s, MaxTitle) }

// clean makes a text of others safe to show, in at most limit bytes. What it
// returns it returns unchanged when asked again.
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for {
		t := strings.TrimSpace(norm.NFC.String(seen(s)))
		if len(t) > limit {
			n := limit
			for n > 0 && !utf8.RuneStart(t[n]) {
				n--
			}
			t = t[:n]
		}
		// A cut, and a character that is gone, can leave something without what
		// it belonged to. Each round makes the text shorter; as a rule the
		// second one finds nothing.
		if t == s {
			return t
		}
		s = t
	}
}

// seen turns what looks like a space into a space, and drops what draws nothing
// or moves what others draw.
func seen(s string) string {
	rs := []rune(s)
	out := rs[:0] // never overtakes what is still read
	var before rune
	for i, r := range rs {
		var next rune
		if i+1 < len(rs) {
			next = rs[i+1]
		}
		switch {
		case r == '\t', r == '\n', r == '\r', r == brailleBlank, unicode.Is(unicode.Zs, r):
			r = ' '
		case r == zwj:
			if !joins(before, next) {
				continue
			}
		case unicode.Is(unicode.Variation_Selector, r):
			if !varies(before, r, next) {
				continue
			}
		case unseen(r):
			continue
		}
		out = append(out, r)
		before = r
	}
	return string(out)
}

const (
	zwj          = 0x200D
	textStyle    = 0xFE0E
	emojiStyle   = 0xFE0F
	keycap       = 0x20E3
	brailleBlank = 0x2800
	object       = 0xFFFC // stands for what a text cannot hold: nothing, in most fonts
	leftRight    = 0x2194 // of all emoji that are joined the one that is no other symbol (So)
	virama       = 9      // the combining class of what kills a vowel in scripts of India (UAX #44)
)

// unseen reports whether r draws nothing by itself: controls, line and paragraph
// separators, noncharacters, and Unicode's Default_Ignorable_Code_Point, with
// the format characters that Unicode takes from that set (interlinear
// annotations) and without those that are drawn.
func unseen(r rune) bool {
	switch {
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	case r == object, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point):
		return true
	}
	return unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// joins reports whether a zero width joiner belongs between two characters:
// between emoji (UTS #51), and after a virama, where it chooses the letter's
// form (RFC 5892, A.2).
func joins(before, next rune) bool {
	if norm.NFC.PropertiesString(string(before)).CCC() == virama {
		return true
	}
	return (pictorial(before) || before == emojiStyle) && pictorial(next)
}

// varies reports whether a variation selector belongs where it is: after an
// emoji, in a keycap, or, the ideographic ones, after an ideograph. Others
// change nothing that is seen in a name or a title.
func varies(before, selector, next rune) bool {
	switch {
	case selector == textStyle || selector == emojiStyle:
		return pictorial(before) || next == keycap && strings.ContainsRune("0123456789#*", before)
	case selector >= 0xE0100:
		return unicode.Is(unicode.Han, before)
	}
	return false
}

func pictorial(r rune) bool {
	return r > unicode.MaxASCII && unicode.Is(unicode.So, r) || r == leftRight || r >= 0x1F3FB && r <= 0x1F3FF // skin tones
}

// blank reports whether nothing in a cleaned text would be seen: it needs a
// letter, a number, a mark of punctuation or a symbol. Private characters are
// none of these, because most fonts have nothing there.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) })
}
